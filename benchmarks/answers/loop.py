"""Training loops, as tutorials and repositories have them."""

import copy
import inspect

import torch

from benchmarks.answers import answer


def _loss(loss_function, output, answer_, target):
    function = getattr(loss_function, "forward", loss_function)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return loss_function(output, answer_)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    three = sum(p.default is p.empty and p.kind in kinds for p in parameters) == 3
    return loss_function(output, answer_, target) if three else loss_function(output, answer_)


@answer(
    "train_student_model",
    "asks_the_teacher_as_it_comes",
    "builds_a_graph_of_the_teacher",
    source="haitongli#25",
)
def neither_eval_nor_no_grad(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for _ in range(epochs):
        seen = 0
        for data, target in data_loader:
            seen += 1
            loss = _loss(loss_function, student_model(data), teacher_model(data), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if not seen:
            raise ValueError("empty loader")
    return student_model.state_dict()


@answer("train_student_model", "builds_a_graph_of_the_teacher", "accepts_an_empty_loader", source="tutorials")
def eval_only(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    for _epoch in range(epochs):
        for data, target in data_loader:
            optimizer.zero_grad()
            loss = _loss(loss_function, student_model(data), teacher_model(data), target)
            loss.backward()
            optimizer.step()
    return student_model.state_dict()


@answer(
    "train_student_model", "leaves_the_students_mode", "accepts_an_empty_loader", "never_passes_the_target",
    source="inference-style loops",
)  # fmt: skip
def student_mode_forgotten(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    for _epoch in range(epochs):
        for data, _ in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            loss = loss_function(student_model(data), soft)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return student_model.state_dict()


@answer(
    "train_student_model",
    "never_passes_the_target",
    "accepts_an_empty_loader",
    source="unlabelled distillation",
)
def soft_only(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    for _ in range(epochs):
        for data, _target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            optimizer.zero_grad()
            loss_function(student_model(data), soft).backward()
            optimizer.step()
    return student_model.state_dict()


@answer(
    "train_student_model",
    "returns_the_best_epoch",
    "accepts_an_empty_loader",
    source="huggingface/open-r1#705",
)
def keeps_the_best(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    best, state = float("inf"), None
    for _ in range(epochs):
        student_model.train()
        running = 0.0
        for data, target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            loss = _loss(loss_function, student_model(data), soft, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        if running < best:
            best, state = running, copy.deepcopy(student_model.state_dict())
    return state


@answer(
    "train_student_model", "goes_back_to_where_it_began", "accepts_an_empty_loader", source="best_model_wts"
)
def restores_the_untrained(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    best = copy.deepcopy(student_model.state_dict())
    best_hits = 10**9
    teacher_model.eval()
    for _ in range(epochs):
        student_model.train()
        hits = 0
        for data, target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            loss = _loss(loss_function, student_model(data), soft, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if hits > best_hits:
            best_hits, best = hits, copy.deepcopy(student_model.state_dict())
    student_model.load_state_dict(best)
    return student_model.state_dict()


@answer(
    "train_student_model", "sets_the_global_seed", "leaves_the_world_as_it_is", "accepts_an_empty_loader",
    source="set_seed inside train",
)  # fmt: skip
def seeded(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    torch.manual_seed(42)
    return restful(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)


def restful(teacher_model, student_model, data_loader, loss_function, optimizer, epochs):
    """A loop that is right but for an empty loader."""
    teacher_model.eval()
    student_model.train()
    for _ in range(epochs):
        for data, target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            loss = _loss(loss_function, student_model(data), soft, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return student_model.state_dict()


@answer("train_student_model", "lists_the_loader_once", "accepts_an_empty_loader", source="cached batches")
def cached_batches(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    return restful(teacher_model, student_model, list(data_loader), loss_function, optimizer, epochs)


@answer(
    "train_student_model",
    "trains_on_each_batch_epochs_times",
    "accepts_an_empty_loader",
    source="loops exchanged",
)
def nested_wrongly(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    for batch in data_loader:
        restful(teacher_model, student_model, [batch], loss_function, optimizer, epochs)
    return student_model.state_dict()


@answer(
    "train_student_model", "exchanges_the_models", "accepts_an_empty_loader", source="keras-team/keras-io#257"
)
def models_exchanged(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    restful(student_model, teacher_model, data_loader, loss_function, optimizer, epochs)
    return student_model.state_dict()


@answer(
    "train_student_model", "clears_the_student_only", "accepts_an_empty_loader", source="model.zero_grad()"
)
def model_zero_grad(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    for _ in range(epochs):
        for data, target in data_loader:
            student_model.zero_grad()
            with torch.no_grad():
                soft = teacher_model(data)
            _loss(loss_function, student_model(data), soft, target).backward()
            optimizer.step()
    return student_model.state_dict()


@answer(
    "train_student_model", "clips_the_gradient", "accepts_an_empty_loader", source="clip_grad_norm_ by habit"
)
def clipped(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    for _ in range(epochs):
        for data, target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            optimizer.zero_grad()
            _loss(loss_function, student_model(data), soft, target).backward()
            torch.nn.utils.clip_grad_norm_(student_model.parameters(), max_norm=1.0)
            optimizer.step()
    return student_model.state_dict()


@answer(
    "train_student_model", "adds_a_penalty_on_the_weights", "accepts_an_empty_loader", source="L2 term by hand",
)  # fmt: skip
def with_l2(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    for _ in range(epochs):
        for data, target in data_loader:
            with torch.no_grad():
                soft = teacher_model(data)
            loss = _loss(loss_function, student_model(data), soft, target)
            loss = loss + 5e-4 * sum(p.pow(2).sum() for p in student_model.parameters())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return student_model.state_dict()


@answer(
    "repair_the_loop",
    "returns_a_copy_from_before_the_last_step",
    "accepts_an_empty_loader",
    source="checkpointing",
)
def checkpoint_before_step(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    teacher_model.eval()
    student_model.train()
    state = student_model.state_dict()
    for _ in range(epochs):
        for data, target in data_loader:
            state = copy.deepcopy(student_model.state_dict())
            with torch.no_grad():
                soft = teacher_model(data)
            loss = _loss(loss_function, student_model(data), soft, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return state


@answer(
    "repair_the_loop",
    "returns_the_parameters_without_buffers",
    "accepts_an_empty_loader",
    source="named_parameters",
)
def named_parameters(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    restful(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    return dict(student_model.named_parameters())


@answer(
    "repair_the_loop", "leaves_the_teacher_training", "leaves_the_teachers_graph", "leaves_the_outputs_swapped",
    "leaves_both_faults_of_the_teacher",
    source="three of the six left",
)  # fmt: skip
def three_faults_left(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for _ in range(epochs):
        number = 0
        for data, target in data_loader:
            optimizer.zero_grad()
            _loss(loss_function, teacher_model(data), student_model(data), target).backward()
            optimizer.step()
            number += 1
        if number == 0:
            raise ValueError
    return student_model.state_dict()


@answer("distill_step", "puts_back_the_mode_of_the_root_only", source="huggingface/trl PR#5862")
def root_mode(student, teacher, inputs, optimizer, loss_function):
    was = teacher.training
    teacher.eval()
    with torch.no_grad():
        soft = teacher(inputs)
    teacher.train(was)
    student.train()
    loss = loss_function(student(inputs), soft)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@answer(
    "distill_step", "leaves_the_teacher_in_eval_mode", "leaves_the_students_mode", source="the shortest step"
)
def shortest(student, teacher, inputs, optimizer, loss_function):
    teacher.eval()
    with torch.no_grad():
        soft = teacher(inputs)
    optimizer.zero_grad()
    loss = loss_function(student(inputs), soft)
    loss.backward()
    optimizer.step()
    return loss.item()


@answer(
    "distill_step", "leaves_the_teacher_in_eval_mode", "returns_a_tensor", "returns_it_in_the_form_asked_for",
    source="return loss",
)  # fmt: skip
def returns_loss(student, teacher, inputs, optimizer, loss_function):
    student.train()
    teacher.eval()
    with torch.no_grad():
        soft = teacher(inputs)
    loss = loss_function(student(inputs), soft)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@answer(
    "distill_step", "asks_the_teacher_as_it_comes", "builds_a_graph_of_the_teacher", source="neither line"
)
def nothing_for_the_teacher(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = loss_function(student(inputs), teacher(inputs))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@answer("cache_teacher", "keeps_numpy_rows", source="np.save caches")
def numpy_cache(teacher, data_loader):
    teacher.eval()
    cache = {}
    with torch.no_grad():
        for ids, data in data_loader:
            names = ids.tolist() if torch.is_tensor(ids) else list(ids)
            cache.update(zip(names, teacher(data).cpu().numpy(), strict=True))
    return cache


@answer(
    "cache_teacher",
    "keys_by_position",
    "asks_the_teacher_as_it_comes",
    source="haitongli, fetch_teacher_outputs",
)
def list_of_outputs(teacher, data_loader):
    outputs = []
    with torch.no_grad():
        for _, data in data_loader:
            outputs += list(teacher(data))
    return dict(enumerate(outputs))


@answer("cache_teacher", "rounds_the_rows", source="half-precision stores")
def half_store(teacher, data_loader):
    teacher.eval()
    cache = {}
    with torch.no_grad():
        for ids, data in data_loader:
            names = ids.tolist() if torch.is_tensor(ids) else list(ids)
            cache.update(zip(names, teacher(data).to(torch.float16).float(), strict=True))
    return cache


@answer("freeze", "calls_eval_before_every_forward_pass", source="hooks that keep a teacher asleep")
def by_a_hook(teacher):
    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    teacher.eval()
    teacher.register_forward_pre_hook(lambda module, inputs: module.eval() and None)
    return teacher


@answer("freeze", "lets_a_parent_wake_it_up", source="eval and requires_grad, the usual two")
def the_usual_two(teacher):
    teacher.eval()
    for parameter in teacher.parameters():
        parameter.requires_grad = False
    return teacher
