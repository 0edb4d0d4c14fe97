import torch

from kd_study.exercises.base import Exercise, check, expect, expect_close, normal, outcome


def whiteboard(weight):
    largest = weight.abs().amax(1, keepdim=True)
    scale = torch.where(largest > 0, largest / 127, 1.0)
    return (weight / scale).round().clamp(-127, 127).to(torch.int8), scale


class QuantizeInt8(Exercise):
    def validate(self, result, arguments):
        weight = arguments["weight"]
        expect(
            isinstance(result, tuple | list)
            and len(result) == 2
            and all(isinstance(x, torch.Tensor) for x in result),
            "two tensors should come back, (levels, scale)",
            "应返回两个张量(levels, scale)",
        )
        levels, scale = result
        expect(
            levels.dtype == torch.int8 and levels.shape == weight.shape,
            f"levels should be int8 of shape {tuple(weight.shape)}, but are {levels.dtype} of {tuple(levels.shape)}",
            f"levels应为形状{tuple(weight.shape)}的int8，实际是{levels.dtype}、形状{tuple(levels.shape)}",
        )
        expect(
            scale.is_floating_point() and tuple(scale.shape) == (len(weight), 1),
            f"scale should be floating point of shape {(len(weight), 1)}, but is {scale.dtype} of {tuple(scale.shape)}",
            f"scale应为形状{(len(weight), 1)}的浮点张量，实际是{scale.dtype}、形状{tuple(scale.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        levels, scale = fn(torch.tensor([[1.27, -0.5, 0.004], [0.2, -2.54, 1.0]]))
        expect_close(
            scale,
            torch.tensor([[0.01], [0.02]]),
            "the largest magnitudes are 1.27 and 2.54; over 127 that is 0.01 and 0.02",
            "绝对值最大的是1.27和2.54，除以127得0.01和0.02",
        )
        expect_close(
            levels,
            torch.tensor([[127, -50, 0], [10, -127, 50]]),
            "each weight over its row's scale, rounded",
            "每个权重除以本行的scale，再四舍五入",
        )

    @check(en="The nearest level, on both sides of 0", zh="取最近的级，正负两侧都如此")
    def rounds_to_the_nearest_level(self, fn):
        levels, _ = fn(torch.tensor([[1.27, 0.0078, -0.0078, 0.0042, -0.0042, 0.0161, -0.0139]]))
        expect_close(
            levels,
            torch.tensor([[127, 1, -1, 0, 0, 2, -1]]),
            "with a scale of 0.01 the weights ±0.0078 are nearest to ±1 and ±0.0042 nearest to 0: round before the cast, "
            "which cuts off",
            "scale为0.01时，±0.0078离±1最近，±0.0042离0最近：转类型会直接截断，之前要先四舍五入",
        )

    @check(en="Off by half a step at most", zh="误差至多半步")
    def comes_back_within_half_a_step(self, fn):
        weight = normal(5, 40, seed=1)
        levels, scale = fn(weight)
        largest = ((levels * scale - weight).abs() / scale).max().item()
        expect(
            largest <= 0.501,
            f"levels · scale should be within half a scale of the weight, but is off by {largest:.2g} steps",
            f"levels · scale与权重之差应不超过半个scale，实际差了{largest:.2g}步",
        )
        expect(
            bool((levels.abs().amax(1) == 127).all()),
            "in every row the largest magnitude should land on 127 or −127, so that no level is wasted",
            "每一行绝对值最大的权重应落在127或−127上，不浪费任何一级",
        )

    @check(en="Symmetric: −w gives the negative levels", zh="对称：−w得到相反的levels")
    def treats_both_signs_alike(self, fn):
        weight = normal(4, 9, seed=2)
        (levels, scale), (mirrored, same) = fn(weight), fn(-weight)
        expect(
            bool((levels.int() == -mirrored.int()).all()) and torch.allclose(scale, same),
            "turning the sign of every weight should turn the sign of every level and leave the scales",
            "所有权重变号时，levels应全部变号，scale不变",
        )
        levels, scale = fn(weight.abs() + 1.0)
        expect(
            bool((levels >= 0).all()),
            "weights that are all positive have levels that are all positive: no zero point is subtracted",
            "权重全为正时，levels也应全为正：不减零点",
        )

    @check(en="Every row by itself", zh="每一行各自量化")
    def gives_every_row_its_own_scale(self, fn):
        weight = normal(3, 6, seed=3)
        levels, scale = fn(weight)
        factors = torch.tensor([[100.0], [1.0], [2.0**-20]])
        scaled_levels, scaled = fn(weight * factors)
        expect_close(
            scaled_levels,
            levels,
            "a row times a constant (100, 1, 2⁻²⁰) has the same levels: an outlier costs precision in its own row only, and "
            "small weights have a small scale",
            "一行整体乘以常数（100、1、2⁻²⁰），levels应不变：特别大的权重只影响自己那一行的精度，权重小的行scale也小",
        )
        expect_close(
            scaled / factors,
            scale,
            "a row times a constant has its scale times that constant",
            "一行整体乘以常数，scale也应乘以同一个常数",
        )

    @check(en="A row of zeros", zh="全零的行")
    def copes_with_a_row_of_zeros(self, fn):
        levels, scale = fn(torch.tensor([[0.0, 0.0], [0.5, -1.0]]))
        expect(
            not levels[0].any() and bool(scale.isfinite().all()) and bool((scale > 0).all()),
            "a row of zeros should give zeros and a finite scale above 0, by which one can divide; 0 / 0 is NaN, and what a "
            "cast makes of NaN depends on the machine",
            "全零的行应得到全零的levels，以及大于0的有限scale（以便作除数）；0 / 0是NaN，把NaN转成整数得到什么，取决于机器",
        )
        expect(levels[1, 1].item() == -127, "the row beside it should be as usual", "旁边的行应不受影响")

    @check(en="One column, one row", zh="只有一列，或只有一行")
    def copes_with_one_column_and_one_row(self, fn):
        levels, scale = fn(torch.tensor([[-0.3], [4.0]]))
        expect_close(
            levels,
            torch.tensor([[-127], [127]]),
            "a weight alone is its row's largest",
            "单独一个权重就是本行的最大值",
        )
        expect_close(
            levels * scale,
            torch.tensor([[-0.3], [4.0]]),
            "levels · scale should give the weights back",
            "levels · scale应还原权重",
        )

    def probes(self):
        return {
            "both signs": {"weight": _with_exact_scales(seed=4)},
            "square": {"weight": _with_exact_scales(seed=5)[:, :4]},
            "positive": {"weight": _with_exact_scales(seed=6).abs()},
        }

    def observe(self, function, arguments):
        """(levels, scale), levels as whole numbers that don't overflow when they are compared."""
        return outcome(lambda: [part.double() for part in function(**arguments)])

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        zeros = torch.tensor([[0.0, 0.0], [0.5, -1.0]])
        edge["zeros"] = outcome(lambda: [bool(part.isfinite().all()) for part in function(zeros.clone())])
        small = _with_exact_scales(seed=4) * 2.0**-20
        edge["small weights"] = outcome(lambda: [part.double() for part in function(small.clone())])
        edge["a scale above 0"] = outcome(lambda: bool((function(zeros.clone())[1] > 0).all()))
        edge["exact scale"] = outcome(lambda: function(torch.tensor([[0.3, -1.0]]))[1] * 1e4)
        edge["tiny scale"] = outcome(lambda: bool((function(torch.tensor([[1e-8, -3e-8]]))[1] > 0).all()))
        edge["weight afterwards"] = outcome(lambda: _afterwards(function))
        edge["dtypes"] = outcome(lambda: [part.dtype == torch.int8 for part in function(zeros + 1)])
        return ordinary, edge


def _with_exact_scales(seed):
    """Weights whose scales are powers of two, so that the order of the divisions doesn't show."""
    weight = normal(4, 6, seed=seed).clamp(-3.9, 3.9)
    weight[:, 2] = torch.tensor([1.0, -1.0, 1.0, -1.0]) * 127 / 32
    return weight * torch.tensor([[1.0], [4.0], [0.125], [2.0]])


def _afterwards(function) -> bool:
    """Whether the weight is as it was."""
    weight = normal(2, 3, seed=7)
    function(weight)
    return torch.equal(weight, normal(2, 3, seed=7))


def _largest(weight):
    return weight.abs().amax(1, keepdim=True).clamp(min=1e-12)


@QuantizeInt8.wrong(
    en="One scale serves the whole matrix: a single outlier coarsens every row.",
    zh="整个矩阵共用一个scale：只要有一个特别大的权重，所有行都变粗糙。",
)
def shares_one_scale(weight):
    scale = (weight.abs().max() / 127).clamp(min=1e-12).expand(len(weight), 1)
    return (weight / scale).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scales go with the columns (dim=0) instead of the rows.",
    zh="scale是按列（dim=0）取的，而不是按行。",
)
def scales_the_columns(weight):
    scale = weight.abs().amax(0, keepdim=True).clamp(min=1e-12) / 127
    return (weight / scale).round().to(torch.int8), scale.T


@QuantizeInt8.wrong(
    en="The cast to int8 cuts off the fraction: 0.9 becomes 0, and the error is up to a whole step. Round first.",
    zh="转成int8时直接截掉了小数：0.9变成0，误差可达一整步。请先四舍五入。",
)
def cuts_off_the_fraction(weight):
    scale = _largest(weight) / 127
    return (weight / scale).to(torch.int8), scale


@QuantizeInt8.wrong(
    en="floor goes down on both sides of 0: every weight is pulled towards the negative by half a step on average.",
    zh="floor在0的两侧都向下取整：平均每个权重都往负方向偏了半步。",
)
def rounds_down(weight):
    scale = _largest(weight) / 127
    return (weight / scale).floor().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scale divides by 128: the largest weight becomes 128, which int8 turns into −128.",
    zh="scale除以了128：最大的权重变成128，存进int8就成了−128。",
)
def overflows_at_128(weight):
    scale = _largest(weight) / 128
    return (weight / scale).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scale divides by 255, the number of steps of an *unsigned* byte: levels of ±255 wrap around in int8.",
    zh="scale除以了255，那是*无符号*字节的级数：±255在int8里会回绕。",
)
def divides_by_255(weight):
    scale = _largest(weight) / 255
    return (weight / scale).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="max without abs: where the largest magnitude is negative, its level goes beyond −127 and wraps around.",
    zh="取了max却没有取绝对值：绝对值最大的权重为负时，它的级会超出−127而回绕。",
)
def forgets_the_magnitude(weight):
    scale = weight.amax(1, keepdim=True).abs().clamp(min=1e-12) / 127
    return (weight / scale).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="This is asymmetric quantisation: the range from minimum to maximum is spread over the levels, and without its zero "
    "point the weights can't be read back.",
    zh="这是非对称量化：把最小值到最大值铺满各级，没有一并保存零点，权重就无法还原。",
)
def uses_a_zero_point(weight):
    low, high = weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    scale = (high - low).clamp(min=1e-12) / 255
    return ((weight - low) / scale - 128).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scale is returned upside down, 127 / max: multiplying by it doesn't give the weights back.",
    zh="返回的scale是倒数127 / max：乘上它并不能还原权重。",
)
def returns_the_inverse_scale(weight):
    inverse = 127 / _largest(weight)
    return (weight * inverse).round().to(torch.int8), inverse


@QuantizeInt8.wrong(
    en="The scale has the shape (rows,): levels · scale then multiplies columns, or fails. Keep the dimension.",
    zh="scale的形状成了(rows,)：levels · scale会乘到列上，或者直接报错。请保留这一维（keepdim）。",
)
def drops_a_dimension(weight):
    scale = _largest(weight) / 127
    return (weight / scale).round().to(torch.int8), scale.squeeze(1)


@QuantizeInt8.wrong(
    en="The levels are right, but aren't stored as int8: nothing has become smaller.",
    zh="levels的数值没错，但没有存成int8：一点也没有变小。",
)
def leaves_the_levels_in_floats(weight):
    scale = _largest(weight) / 127
    return (weight / scale).round(), scale


@QuantizeInt8.wrong(
    en="The weights come back already multiplied by the scale: that is the reading, not the storing.",
    zh="返回的是已经乘回scale的权重：那是读取，不是存储。",
)
def gives_the_weights_back(weight):
    scale = _largest(weight) / 127
    return (weight / scale).round() * scale, scale


@QuantizeInt8.wrong(
    en="The scale is set by the spread, 3 standard deviations over 127, and what lies beyond is cut off.",
    zh="scale由离散程度决定（3倍标准差除以127），超出的部分被截掉。",
)
def scales_by_the_deviation(weight):
    scale = (3 * weight.std(1, keepdim=True, correction=0)).clamp(min=1e-12) / 127
    return (weight / scale).round().clamp(-127, 127).to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scale is kept above 1e-5 so that nothing is divided by 0: a row of small weights is left with a few levels, or "
    "none. Replace the scale of an all-zero row, and no other.",
    zh="为了不除以0，把scale限制在1e-5以上：权重小的行只剩寥寥几级，甚至全成了0。只需替换全零行的scale，其余不动。",
)
def keeps_the_scale_above_a_floor(weight):
    scale = (weight.abs().amax(1, keepdim=True) / 127).clamp(min=1e-5)
    return (weight / scale).round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="A row of zeros divides 0 by 0: NaN, whose cast to int8 is 0 on some machines, and a scale of 0, by which nobody can divide.",
    zh="全零的行是0除以0，得NaN；它转成int8在某些机器上恰好是0，而scale是0，谁也不能拿它作除数。",
    reference="pytorch/ao#4713",
)
def leaves_a_scale_of_zero(weight):
    scale = weight.abs().amax(1, keepdim=True) / 127
    return (weight / scale).nan_to_num().round().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The weight is divided in place: the caller's matrix is gone.",
    zh="权重被原地除掉了：调用者的矩阵就此丢失。",
)
def divides_the_weight_in_place(weight):
    scale = _largest(weight) / 127
    return weight.div_(scale).round_().to(torch.int8), scale


@QuantizeInt8.wrong(
    en="The scale is rounded to half precision, and the levels were made with the exact one: levels · scale is off by up to 0.05 %, and a scale below 6e-8 becomes 0.",
    zh="scale被舍入到半精度，而levels是用精确的scale算的：levels · scale最多差0.05%，小于6e-8的scale会变成0。",
    reference="Comfy-Org/comfy-kitchen#60",
)
def rounds_the_scale_to_half(weight):
    scale = _largest(weight) / 127
    return (weight / scale).round().to(torch.int8), scale.half().float()


EXERCISE = QuantizeInt8()
