import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("multilingual_mse")
def with_two_mse_losses(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return 0.5 * F.mse_loss(student_source, goal) + 0.5 * F.mse_loss(student_target, goal)


@accepted("multilingual_mse")
def one_mse_of_a_doubled_batch(student_source, student_target, teacher_source):
    with torch.no_grad():
        goal = teacher_source.repeat(2, 1)
    return F.mse_loss(torch.cat([student_source, student_target]), goal)


@accepted("multilingual_mse")
def row_by_row_in_float64_with_norms(student_source, student_target, teacher_source):
    total = student_source.new_zeros((), dtype=torch.float64)
    rows = zip(
        student_source.double(), student_target.double(), teacher_source.detach().double(), strict=True
    )
    for source, target, goal in rows:
        total = total + torch.dot(source - goal, source - goal) + torch.dot(target - goal, target - goal)
    return (total / (2 * teacher_source.numel())).to(student_source.dtype)


@accepted("mean_pool")
def sentence_by_sentence(hidden, mask):
    rows = []
    for tokens, keep in zip(hidden, mask.bool(), strict=True):
        kept = tokens[keep]
        rows.append(kept.mean(0) if len(kept) else tokens.new_zeros(tokens.shape[-1]))
    return torch.stack(rows)


@accepted("mean_pool")
def with_weights_and_einsum(hidden, mask):
    keep = mask != 0
    weights = keep / keep.sum(1, keepdim=True).clamp(min=1e-9)
    clean = torch.where(keep.unsqueeze(-1), hidden, torch.zeros((), dtype=hidden.dtype))
    return torch.einsum("nl,nld->nd", weights.to(hidden.dtype), clean)


@accepted("mean_pool")
def with_a_scatter_of_the_kept_tokens(hidden, mask):
    rows, places = mask.bool().nonzero(as_tuple=True)
    total = torch.zeros(hidden.shape[0], hidden.shape[2], dtype=torch.float64)
    total = total.index_add(0, rows, hidden[rows, places].double())
    number = torch.bincount(rows, minlength=len(hidden)).clamp(min=1)
    return (total / number[:, None]).to(hidden.dtype)
