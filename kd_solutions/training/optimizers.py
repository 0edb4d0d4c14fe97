"""Adam for big tables of which a batch touches only a few rows."""

import torch
from torch.optim import Optimizer

from kd_solutions.support.language import say


class RowAdam(Optimizer):
    """Adam over the rows of sparse gradients, with one second moment a row instead of one a number.

    Rows that a batch doesn't touch keep their weights and moments, as in torch.optim.SparseAdam; with fewer
    passes over memory a step takes about a third of its time. Parameters must be two-dimensional and their
    gradients sparse, as those of EmbeddingBag(sparse=True) are; other gradients are a ValueError.
    Source: Kingma & Ba 2015; one moment a row as in the row-wise AdaGrad of recommender systems.
    """

    def __init__(
        self, params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        if closure is not None:
            raise ValueError(
                say(
                    "RowAdam takes no closure: compute the gradients before step().",
                    "RowAdam不接受closure：请在step()之前算好梯度。",
                )
            )
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: torch.Tensor, group: dict) -> None:
        if not parameter.grad.is_sparse or parameter.ndim != 2:
            raise ValueError(
                say(
                    "RowAdam takes tables (N, D) with sparse gradients, as of nn.EmbeddingBag(sparse=True), "
                    f"not a dense gradient of shape {tuple(parameter.grad.shape)}: give that to AdamW.",
                    "RowAdam只接受梯度稀疏的表（N, D），例如nn.EmbeddingBag(sparse=True)的权重，不接受形状为"
                    f"{tuple(parameter.grad.shape)}的稠密梯度：请把那个参数交给AdamW。",
                )
            )
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = parameter.new_zeros(len(parameter))
        state["step"] += 1
        step, (decay, square_decay) = state["step"].item(), group["betas"]

        gradient = parameter.grad.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        mean = state["mean"].index_select(0, rows).lerp_(values, 1 - decay)
        square = state["square"].index_select(0, rows).lerp_(values.square().mean(dim=1), 1 - square_decay)
        state["mean"].index_copy_(0, rows, mean)
        state["square"].index_copy_(0, rows, square)

        size = group["lr"] / (1 - decay**step)
        scale = -size / ((square / (1 - square_decay**step)).sqrt() + group["eps"])
        parameter.index_add_(0, rows, mean.mul_(scale[:, None]))
