"""Feature-based distillation: losses on hidden vectors, attention maps and the relations between them.

All return a scalar in the student's dtype with a graph to the student alone (`hint_loss`: and its projector).
Relations compare the student's own geometry with the teacher's, so that the widths may differ. A loss with
nothing to compare, such as the distances of one point, is 0. Shapes that can't be paired are a ValueError.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kd_solutions.losses.numerics import check_temperature, mean_or_zero, same_shape, unit, widen
from kd_solutions.losses.response import distillation_kl
from kd_solutions.support.language import say


def hint_loss(student_hidden: Tensor, teacher_hidden: Tensor, projector: nn.Module) -> Tensor:
    """MSE between the projected student's hidden vectors and the teacher's.

    The projector bridges the widths. It is trained with the student, so its parameters belong in the
    optimiser, and is thrown away afterwards.

    Args: student_hidden (…, D); teacher_hidden (…, D'); projector, a module from (…, D) to (…, D').
    Returns: a scalar, a mean over all elements.
    Source: Romero et al. 2015, "FitNets: Hints for Thin Deep Nets".
    """
    projected = widen(projector(student_hidden))
    same_shape(projected, teacher_hidden)
    difference = projected - teacher_hidden.detach()
    return mean_or_zero(difference.square()).to(student_hidden.dtype)


def attention_transfer(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Squared L2 distance of normalised attention maps: where a layer looks, not what it sees there.

    A map is the mean over channels of the squares, flattened, at length 1: neither the activations' scale nor
    the number of channels matters. A map of zeros stays zeros.

    Args: student_map (N, C, H, W); teacher_map (N, C', H, W). Returns: a scalar from 0 to 2, mean over N.
    Source: Zagoruyko & Komodakis 2017, "Paying More Attention to Attention".
    """

    same_shape(student_map[:, 0], teacher_map[:, 0])

    def attention(x: Tensor) -> Tensor:
        return unit(widen(x).square().mean(1).flatten(1))

    distance = (attention(student_map) - attention(teacher_map.detach())).square().sum(1)
    return mean_or_zero(distance).to(student_map.dtype)


def rkd_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Relational KD: Euclidean distances between the batch's points, divided by their mean; Huber (delta 1).

    Blind to rotation, shift and scale of either side. The means run over ordered pairs i ≠ j; distances are
    symmetric, so the pairs i < j give the same. Equal points have distance 0 and pass on no gradient.

    Args: student (N, D); teacher (N, D'). Returns: a scalar; 0 for N < 2.
    Source: Park et al. 2019, "Relational Knowledge Distillation", section 3.2.1.
    """

    same_shape(student, teacher, "first")

    def distances(x: Tensor) -> Tensor:
        i, j = torch.triu_indices(len(x), len(x), offset=1, device=x.device)
        lengths = torch.linalg.vector_norm(widen(x)[i] - widen(x)[j], dim=-1)
        mean = mean_or_zero(lengths)
        return lengths / torch.where(mean == 0, 1, mean)

    pairs = F.huber_loss(distances(student), distances(teacher.detach()), reduction="none", delta=1.0)
    return mean_or_zero(pairs).to(student.dtype)


def rkd_angle(student: Tensor, teacher: Tensor) -> Tensor:
    """Relational KD: cosines of the angles that points i and k span at vertex j; Huber (delta 1).

    The mean runs over ordered triplets of distinct indices. An edge between equal points has no direction:
    its cosines count as 0 and pass on no gradient. Time and memory N³.

    Args: student (N, D); teacher (N, D'). Returns: a scalar; 0 for N < 3.
    Source: Park et al. 2019, "Relational Knowledge Distillation", section 3.2.2.
    """

    same_shape(student, teacher, "first")

    def cosines(x: Tensor) -> Tensor:
        edges = unit(widen(x)[None] - widen(x)[:, None])  # [j, i]: from vertex j to point i
        return edges @ edges.mT  # [j, i, k]

    apart = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    distinct = apart[:, :, None] & apart[:, None, :] & apart[None]
    triplets = F.huber_loss(cosines(student), cosines(teacher.detach()), reduction="none", delta=1.0)
    return mean_or_zero(triplets[distinct]).to(student.dtype)


def similarity_preserving(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of the batch's row-normalised Gram matrices: what excites the same neurons.

    G = F Fᵀ, then each row of G at length 1, then ‖G_student − G_teacher‖² / N². A zero row stays zero.

    Args: student (N, …); teacher (N, …), flattened from the second dimension on. Returns: a scalar.
    Source: Tung & Mori 2019, "Similarity-Preserving Knowledge Distillation".
    """

    same_shape(student, teacher, "first")

    def similarities(x: Tensor) -> Tensor:
        x = widen(x).flatten(1)
        return unit(x @ x.T)

    difference = similarities(student) - similarities(teacher.detach())
    return mean_or_zero(difference.square()).to(student.dtype)


def minilm_relation(
    student_values: Tensor, teacher_values: Tensor, heads: int, mask: Tensor | None = None
) -> Tensor:
    """KL(teacher ‖ student) between the value relations softmax(V Vᵀ / √head size) of one layer each.

    V is cut into the same number of relation heads on both sides, so that only this number has to agree, not
    the width or the model's own heads. Mean over heads and kept query positions; masked keys get no weight.

    Args: student_values (N, L, D); teacher_values (N, L, D'); heads divides both widths; mask (N, L), true or
    1 where a token counts, None for all. Returns: a scalar, in nats.
    Source: Wang et al. 2020, "MiniLM"; Wang et al. 2021, "MiniLMv2", for relation heads.
    """
    keep = torch.ones(student_values.shape[:2], device=student_values.device) if mask is None else mask
    same_shape(student_values, teacher_values, "all but last")
    same_shape(keep, student_values[..., 0])
    keep = keep.bool()
    other_keys = ~keep.repeat_interleave(keep.sum(1), dim=0)[:, None]  # a row for each kept query

    def relations(values: Tensor) -> Tensor:
        """Scores of the kept queries, (queries, heads, L)."""
        values = torch.where(keep[..., None], widen(values), 0).unflatten(-1, (heads, -1))
        scores = torch.einsum("nqhd,nkhd->nqhk", values, values) / values.shape[-1] ** 0.5
        return scores[keep].masked_fill(other_keys, -torch.inf)

    loss = distillation_kl(relations(student_values), relations(teacher_values))
    return loss.to(student_values.dtype)


def layer_map(student_layers: int, teacher_layers: int) -> list[int]:
    """The teacher's layer (1-based) for each of the student's: ⌊i · teacher / student⌋, last meets last.

    Returns: `student_layers` numbers, rising. ValueError for a student with no layer or with more layers than
    the teacher.
    Source: Jiao et al. 2020, "TinyBERT" (the uniform strategy); Sun et al. 2019, "Patient Knowledge
    Distillation for BERT Model Compression" (skip).
    """
    if not 1 <= student_layers <= teacher_layers:
        raise ValueError(
            say(
                f"A student needs 1 to {teacher_layers} layers, got {student_layers}.",
                f"学生模型需要1到{teacher_layers}层，实际是{student_layers}层。",
            )
        )
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


def contrastive_kd(student: Tensor, teacher: Tensor, temperature: float = 0.07) -> Tensor:
    """In-batch InfoNCE: by cosine each student row must pick its own teacher row among all of the batch.

    It asks for a ranking only, where MSE asks for the vector itself. The loss of a student that knows nothing
    is log N: small batches make it easy.

    Args: student (N, D); teacher (N, D); temperature > 0. Returns: a scalar, in nats, mean over rows.
    Source: Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding"; Tian et al. 2020,
    "Contrastive Representation Distillation", which draws its negatives from a memory.
    """
    check_temperature(temperature)
    same_shape(student, teacher)
    similarities = unit(widen(student)) @ unit(widen(teacher.detach())).T / temperature
    return mean_or_zero(-similarities.log_softmax(1).diagonal()).to(student.dtype)
