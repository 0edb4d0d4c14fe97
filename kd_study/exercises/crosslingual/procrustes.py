import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    check_blind_to_scale,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
)


def whiteboard(source, target):
    u, _, vh = torch.linalg.svd(source.T @ target)
    return u @ vh


class Procrustes(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        width = arguments["source"].shape[1]
        expect(
            result.shape == (width, width),
            f"vectors of {width} dimensions should give W of shape {(width, width)}, but {tuple(result.shape)} came back",
            f"{width}维的向量应得到形状为{(width, width)}的W，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [-2.0, 0.0]])),
            torch.tensor([[0.0, 1.0], [-1.0, 0.0]]),
            "[1, 0] goes to [0, 1] and [0, 2] to [-2, 0]: the rows of W are where the axes go",
            "[1, 0]变为[0, 1]，[0, 2]变为[-2, 0]：W的各行就是各坐标轴的去向",
        )

    @check(en="Finds a rotation or a reflection again", zh="能还原旋转与反射")
    def recovers_a_planted_turn(self, fn):
        source = normal(9, 4, seed=1)
        for name, planted in (("rotation", _rotation(4)), ("reflection", _reflection(4))):
            expect_close(
                fn(source, source @ planted),
                planted,
                f"the target is the source times a {name}: exactly this should be found (source W = target, not W source, and "
                "a reflection counts)",
                "目标就是源乘以一个旋转或反射：应恰好还原它（是source W = target，而不是W source；反射也算）",
                tolerance=1e-3,
            )

    @check(en="Orthogonal, whatever comes", zh="无论输入如何都正交")
    def is_orthogonal_whatever_comes(self, fn):
        for rows, width in ((9, 3), (3, 3), (2, 5), (1, 4)):
            w = fn(normal(rows, width, seed=2), normal(rows, width, seed=3))
            expect_close(
                w.T @ w,
                torch.eye(width),
                f"with {rows} rows of {width} dimensions Wᵀ W should be the identity: W turns and doesn't stretch",
                f"{rows}行、{width}维时，Wᵀ W应为单位矩阵：W只旋转、不拉伸",
                tolerance=1e-3,
            )

    @check(en="No orthogonal matrix comes nearer", zh="没有更好的正交矩阵")
    def beats_every_other_turn(self, fn):
        source = normal(12, 3, seed=4)
        target = source @ _rotation(3) + 0.7 * normal(12, 3, seed=5) + 1.0
        w = fn(source, target).to(source.dtype)
        least = (source @ w - target).norm()
        for seed in range(40):
            nearby = w @ _rotation(3, seed, angle=0.02 if seed % 2 else 2.0)
            expect(
                bool((source @ nearby - target).norm() >= least - 1e-4),
                "there is an orthogonal matrix with which source W comes nearer to the target, as they are: neither centred nor "
                "normalised",
                "存在一个正交矩阵，能让source W离目标更近（两边都按原样，不做中心化或归一化）",
            )

    @check(en="Long rows weigh more", zh="长的行权重更大")
    def weighs_long_rows_more(self, fn):
        source = torch.tensor([[100.0, 0.0], [0.0, 0.1], [1.0, 1.0]])
        target = torch.tensor([[0.0, 100.0], [0.0, 0.1], [1.0, 0.2]])
        w = fn(source, target)
        expect_close(
            w[0],
            torch.tensor([0.0, 1.0]),
            "the first pair is the longest by far and says that [1, 0] goes to [0, 1]; the squared distance hears it first, so "
            "don't normalise rows",
            "第一对最长，它要求[1, 0]变为[0, 1]；平方距离首先满足它，所以不要归一化各行",
            tolerance=2e-2,
        )

    is_blind_to_scale = check_blind_to_scale("source", "target")

    @check(en="Back is the transpose", zh="反方向就是转置")
    def turns_back_by_the_transpose(self, fn):
        source, target = normal(8, 3, seed=8), normal(8, 3, seed=9)
        expect_close(
            fn(target, source),
            fn(source, target).T,
            "with source and target swapped the best turn is the inverse, which is the transpose",
            "源与目标互换，最优旋转就是逆，也就是转置",
            tolerance=1e-3,
        )

    @check(en="Keeps float32 and float64", zh="保持float32与float64")
    def keeps_the_dtype(self, fn):
        for dtype in (torch.float32, torch.float64):
            source = normal(6, 3, seed=10).to(dtype)
            came = fn(source, source @ _rotation(3).to(dtype))
            expect(
                came.dtype == dtype,
                f"{dtype} goes in, {came.dtype} comes out",
                f"输入是{dtype}，输出却是{came.dtype}",
            )

    def example(self):
        return {"source": normal(8, 3, seed=6), "target": normal(8, 3, seed=7)}

    def probes(self):
        source = normal(9, 4, seed=11)
        shifted = normal(9, 3, seed=14) + 2.0
        return {
            "noisy": {"source": source, "target": source @ _rotation(4) + normal(9, 4, seed=12)},
            "reflected": {"source": source, "target": source @ _reflection(4)},
            "shifted": {"source": normal(9, 3, seed=13) + 3.0, "target": shifted},
            "scaled": {"source": source, "target": 3 * source @ _rotation(4)},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        few = normal(2, 4, seed=15), normal(2, 4, seed=16)

        def is_orthogonal():
            w = function(*few)
            return bool((w.T @ w - torch.eye(4)).abs().max() < 1e-3)

        edge["few rows"] = outcome(is_orthogonal)
        edge["dtype"] = outcome(lambda: str(function(few[0].double(), few[1].double()).dtype))
        return ordinary, edge


def _rotation(width: int, seed: int = 0, angle: float = 1.0) -> torch.Tensor:
    """A rotation by about `angle` in every plane."""
    skew = torch.tril(normal(width, width, seed=seed + 100, scale=angle), -1)
    return torch.linalg.matrix_exp(skew - skew.T)


def _reflection(width: int) -> torch.Tensor:
    """An orthogonal matrix of determinant −1."""
    mirror = torch.eye(width)
    mirror[0, 0] = -1.0
    return mirror @ _rotation(width)


@Procrustes.wrong(
    en="This is the inverse turn, from target to source: the product is targetᵀ source, or U and V are swapped.",
    zh="这是反方向的旋转（从目标到源）：写成了targetᵀ source，或者U与V弄反了。",
)
def turns_the_other_way(source, target):
    u, _, vh = torch.linalg.svd(target.T @ source)
    return u @ vh


@Procrustes.wrong(
    en="Least squares without the constraint: W stretches, and cosines within a language change.",
    zh="这是不带约束的最小二乘：W会拉伸，语言内部的余弦也会改变。",
)
def fits_without_the_constraint(source, target):
    return torch.linalg.pinv(source) @ target


@Procrustes.wrong(
    en="The singular values are kept: U S Vᵀ is the product that was decomposed, not a turn.",
    zh="保留了奇异值：U S Vᵀ就是被分解的那个乘积，而不是旋转。",
)
def keeps_the_stretching(source, target):
    return source.T @ target


@Procrustes.wrong(
    en="torch.linalg.svd returns Vᵀ already; transposed once more it is V, and U V turns somewhere else.",
    zh="torch.linalg.svd返回的已经是Vᵀ；再转置一次就成了V，U V转到了别处。",
)
def transposes_v_twice(source, target):
    u, _, vh = torch.linalg.svd(source.T @ target)
    return u @ vh.T


@Procrustes.wrong(
    en="The determinant is forced to 1, as for bodies in space (Kabsch). Two embeddings may well be mirror images.",
    zh="强制行列式为1，这是三维物体配准的做法（Kabsch）。而两个向量空间完全可能互为镜像。",
)
def forbids_reflections(source, target):
    u, _, vh = torch.linalg.svd(source.T @ target)
    signs = torch.ones(len(u), dtype=u.dtype)
    signs[-1] = torch.det(u @ vh).sign()
    return (u * signs) @ vh


@Procrustes.wrong(
    en="Both sides are centred first. It may be a good step before, but then it is another problem: source W has to meet the "
    "target as it is.",
    zh="先把两边中心化了。作为预处理也许不错，但那是另一个问题：这里要让source W逼近原样的目标。",
)
def centres_first(source, target):
    u, _, vh = torch.linalg.svd((source - source.mean(0)).T @ (target - target.mean(0)))
    return u @ vh


@Procrustes.wrong(
    en="The rows are normalised first: every pair weighs the same, and the squared distance of the vectors as they are is no "
    "longer the least.",
    zh="先把各行归一化了：每一对权重相同，不再是让原样向量的平方距离最小。",
)
def normalises_the_rows(source, target):
    u, _, vh = torch.linalg.svd(F.normalize(source, dim=-1).T @ F.normalize(target, dim=-1))
    return u @ vh


@Procrustes.wrong(
    en="W has the right direction but a scale: the best turn with a stretch. An orthogonal matrix has none.",
    zh="W的方向对，但带了一个缩放因子：这是允许缩放的最优解。正交矩阵不带缩放。",
)
def scales_as_well(source, target):
    u, s, vh = torch.linalg.svd(source.T @ target)
    return s.sum() / source.square().sum() * (u @ vh)


@Procrustes.wrong(
    en="The orthogonal factor of a QR decomposition is orthogonal, but not the nearest: it follows the first columns only.",
    zh="QR分解的正交因子确实正交，却不是最近的那个：它只迁就前面几列。",
)
def takes_the_factor_of_qr(source, target):
    return torch.linalg.qr(source.T @ target).Q


@Procrustes.wrong(
    en="The aligned vectors come back, not the matrix that aligns: the next sentence needs W.",
    zh="返回的是对齐后的向量，而不是对齐用的矩阵：下一个句子还需要W。",
)
def returns_the_aligned_vectors(source, target):
    u, _, vh = torch.linalg.svd(source.T @ target)
    return source @ u @ vh


@Procrustes.wrong(
    en="The main axes of both sides are matched one by one (their own singular vectors): an axis has no sign, and the pairs "
    "aren't used.",
    zh="把两边各自的主轴（各自的奇异向量）逐个对应：轴没有正负之分，而且句对的信息没有用上。",
)
def matches_the_main_axes(source, target):
    axes = [torch.linalg.svd(side).Vh for side in (source, target)]
    return axes[0].T @ axes[1]


@Procrustes.wrong(
    en="The reduced decomposition drops directions where the rows are fewer than the dimensions (a rank cut by a threshold): W "
    "then loses them instead of turning them.",
    zh="行数少于维数时，按阈值截掉了奇异值为零的方向：W会丢掉它们，而不是旋转它们。",
)
def drops_directions_without_data(source, target):
    u, s, vh = torch.linalg.svd(source.T @ target)
    kept = s > 1e-5 * s[0]
    return u[:, kept] @ vh[kept]


EXERCISE = Procrustes()
