"""What every function must do that trains a student on a teacher's answers, whatever its arguments are."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch

from kd_study.exercises.base import Text, check, expect, expect_close, is_close, outcome
from kd_study.exercises.loop._scene import ByHand, Exact, Scene, TrainingExercise, seeded


class TeachingExercise(TrainingExercise, ABC):
    """Subclasses say with `train` how their function trains the student of a scene."""

    @abstractmethod
    def train(self, fn: Callable, scene, epochs: int | None = None):
        """Takes the scene's student through its batches; what the function returned, the last time.

        epochs: None leaves it to the function's default, which is one pass.
        """

    def trained(self, fn: Callable, scene=None, epochs: int | None = None):
        """The scene, by default one that takes notes, after training; `Unmet` where its loss was never called."""
        scene = scene or Scene()
        self.train(fn, scene, epochs)
        if isinstance(scene, Scene):
            expect(
                bool(scene.comparisons),
                "loss_function was never called on the two outputs",
                "没有用loss_function比较两个输出",
            )
        return scene

    @check(en="One step a batch, in their order", zh="每批一步，按批次的顺序")
    def makes_one_step_a_batch(self, fn):
        scene = self.trained(fn)
        expect(
            scene.optimizer.steps == 3 and len(scene.comparisons) == 3,
            f"three batches should give three losses and three steps, but gave {len(scene.comparisons)} and "
            f"{scene.optimizer.steps}; is step() called once for each batch?",
            f"三批数据应有三次损失、三步更新，实际是{len(scene.comparisons)}次和{scene.optimizer.steps}步；每一批都恰好调用一次step()吗？",
        )
        same = [
            torch.equal(read, data)
            for read, (data, _) in zip(scene.student.seen, scene.batches, strict=False)
        ]
        expect(
            all(same) and bool(scene.moved("student")),
            "the student should read each batch's data, as it comes, and change",
            "学生应依次读入每批的data，并因此改变",
        )
        expect(
            len(scene.student.seen) == 3,
            f"for three batches the student made {len(scene.student.seen)} forward passes; each moves its BatchNorm, so "
            "one a batch",
            f"三批数据，学生却做了{len(scene.student.seen)}次前向；每次前向都会更新它的BatchNorm，一批只应有一次",
        )

    @check(en="Every step from fresh gradients", zh="每一步都从新的梯度开始")
    def starts_every_step_from_fresh_gradients(self, fn):
        weight = self.trained(fn, ByHand(batches=2)).weight
        piled_up = is_close(weight, 2.5)
        expect_close(
            weight,
            1.5,
            "two batches should take w from 0 over 1 to 1.5"
            + "; the first batch's gradient was added to the second's" * piled_up,
            "两批数据应把w从0带到1，再到1.5" + "；第一批的梯度被加到了第二批上" * piled_up,
        )
        expect_close(
            self.trained(fn, ByHand(stale_gradient=100.0)).weight,
            1.0,
            "the student may arrive with an old gradient, of a probe before training, and w should go to 1 all the same; "
            "clear it before backward",
            "学生传进来时可能带着旧的梯度（例如训练前做过试算），w仍应变为1；请在backward之前清零",
        )

    @check(en="The step that the loss asks for, no other", zh="恰好是损失要求的那一步")
    def makes_the_step_that_the_loss_asks_for(self, fn):
        scene = self.trained(fn, Exact())
        for number, (came, expected) in enumerate(
            zip(scene.optimizer.gradients, Exact.gradients(), strict=False), 1
        ):
            for name, name_zh, is_loss, slope, right in zip(
                ("student", "loss's own weight, which is in the optimizer too"),
                ("学生", "损失自带的权重（它也在优化器里）"),
                (False, True),
                came,
                expected,
                strict=True,
            ):
                expect(
                    slope is not None,
                    f"at step {number} the optimizer found no gradient for the {name}",
                    f"第{number}步时，优化器没有拿到{name_zh}的梯度",
                )
                old = is_loss and number == 2 and is_close(slope, expected[1] + Exact.gradients()[0][1])
                expect_close(
                    slope,
                    right,
                    f"at step {number} the optimizer should step by the gradient of loss_function's value with respect to "
                    f"the {name}; "
                    + (
                        "the last step's is still in it: optimizer.zero_grad() clears all that it holds"
                        if old
                        else "nothing is added to the loss, it is not scaled or clipped, and outputs are not rounded"
                    ),
                    f"第{number}步应按loss_function的值对{name_zh}的梯度更新；"
                    + (
                        "上一步的梯度还在里面：optimizer.zero_grad()会清零优化器持有的全部参数"
                        if old
                        else "损失不加别的项、不缩放，梯度不裁剪，输出也不降低精度"
                    ),
                    tolerance=2e-5,
                )
        for step in self.trained(fn, Exact(agreed=True)).optimizer.gradients:
            expect_close(
                step[0],
                torch.zeros_like(step[0]),
                "a student that answers as its teacher has a loss and a gradient of 0 and should stay as it is; nothing is "
                "added to the loss, such as a penalty on the weights",
                "学生的回答已与教师相同，损失和梯度都是0，它就应保持不变；损失里不加别的项，例如对权重的惩罚",
                tolerance=2e-5,
            )
        changed = scene.settings_changed()
        expect(
            not changed,
            f"the optimizer's {', '.join(changed)} was changed; its settings are the caller's",
            f"优化器的{'、'.join(changed)}被改动了；它的设置由调用者决定",
        )

    @check(
        en="loss_function(student_output, teacher_output)", zh="loss_function(student_output, teacher_output)"
    )
    def compares_the_student_with_the_teacher(self, fn):
        expect(
            not any(comparison.swapped for comparison in self.trained(fn).comparisons),
            "the loss got the teacher's output first; for KL the order decides which of the two is imitated",
            "损失函数先收到了教师的输出；对KL来说，顺序决定了谁模仿谁",
        )

    @check(en="The teacher answers in eval mode", zh="教师在评估模式下回答")
    def asks_the_teacher_in_eval_mode(self, fn):
        scene = self.trained(fn, epochs=2)
        expect(
            all(seen.right_answer or seen.of_another_batch for seen in scene.comparisons),
            "what reaches the loss in two epochs is not always what the teacher, which arrives in training mode, says in "
            "eval mode to the batch: dropout draws, BatchNorm goes by the batch, or it isn't the teacher's plain output",
            "教师以训练模式传入；两个epoch里损失收到的，并不都是它在评估模式下对这批数据的原始输出：dropout在丢弃、"
            "BatchNorm用了当前批的统计量，或者输出被改动过",
        )
        expect(
            not scene.moved("teacher"),
            f"training has changed the teacher's {', '.join(scene.moved('teacher'))}",
            f"训练改变了教师的{'、'.join(scene.moved('teacher'))}",
        )

    @check(en="The teacher answers without a graph", zh="教师的回答不带计算图")
    def builds_no_graph_of_the_teacher(self, fn):
        scene = self.trained(fn)
        expect(
            not any(comparison.has_a_teacher_graph for comparison in scene.comparisons)
            and not scene.teacher_has_gradients(),
            "the teacher's output has a graph: its activations are kept and its parameters get gradients; eval() "
            "doesn't stop that, no_grad does",
            "教师的输出带着计算图：它的激活值被保留，参数会得到梯度；eval()管不了这一点，no_grad才行",
        )

    @check(en="The student trains in training mode", zh="学生在训练模式下训练")
    def trains_the_student_in_training_mode(self, fn):
        scene = self.trained(fn, epochs=2)
        expect(
            all(scene.student.was_training),
            "the student arrives in eval mode, as after an evaluation, and was trained in it; call its train() before "
            "its forward pass, in every epoch",
            "学生以评估模式传入（例如刚评估过），训练时却仍处于评估模式；每个epoch都请在它前向之前调用train()",
        )

    def remark(self, function):
        scene = self.trained(function)
        asked = scene.teacher.asked_with_a_graph
        if any(asked):
            return Text(
                "the teacher's forward pass builds a graph, which is then cut off; under torch.no_grad() it is never built, "
                "and its activations take no memory",
                "教师前向时先建了计算图，随后才切断；放进torch.no_grad()里就根本不会建，激活值也不占内存",
            )
        if len(asked) > len(scene.comparisons):
            return Text(
                f"the teacher is asked {len(asked)} times about {len(scene.comparisons)} batches; keep its answer",
                f"{len(scene.comparisons)}批数据问了教师{len(asked)}次；请把它的回答留着用",
            )
        return None

    def behaviour(self, function):
        ordinary = {
            "numbers": outcome(lambda: self.trained(function, ByHand(batches=2), epochs=2).weight),
            "gradients": outcome(lambda: _gradients(self.trained(function, ByHand(batches=2), epochs=2))),
            "exact": outcome(lambda: _gradients(self.trained(function, Exact()))),
            "pulled towards 0": outcome(
                lambda: _is_pulled_towards_zero(self.trained(function, Exact(agreed=True)))
            ),
            "default": outcome(lambda: self.trained(function, ByHand(batches=3)).weight),
            "scene": outcome(lambda: seeded(lambda: self.facts(function))),
        }
        stale = ByHand(stale_gradient=100.0)
        edge = {"stale gradient": outcome(lambda: self.trained(function, stale).weight)}
        return ordinary, edge

    def facts(self, function: Callable) -> dict:
        """What a scene has noted of a training."""
        scene = Scene()
        self.train(function, scene)
        return {
            "swapped": any(comparison.swapped for comparison in scene.comparisons),
            "right answers": all(comparison.right_answer for comparison in scene.comparisons),
            "graph": any(comparison.has_a_teacher_graph for comparison in scene.comparisons),
            "student trained": all(scene.student.was_training),
            "losses": len(scene.comparisons),
            "steps": scene.optimizer.steps,
            "teacher moved": bool(scene.moved("teacher")),
            "student moved": any("running" not in name for name in scene.moved("student")),
            "forward passes": len(scene.student.seen),
        }


def _gradients(scene) -> list:
    """What the optimizer of a scene stepped by, "none" where a gradient was missing."""
    return [["none" if slope is None else slope for slope in step] for step in scene.optimizer.gradients]


def _is_pulled_towards_zero(scene: Exact) -> bool:
    """Whether the first step, of a student that agrees with its teacher, goes in the direction of its weights."""
    surplus = scene.optimizer.gradients[0][0].double().flatten()
    weights = Exact().student.weight.detach().double().flatten()
    return surplus.norm().item() > 2e-6 and torch.cosine_similarity(surplus, weights, dim=0).item() > 0.99
