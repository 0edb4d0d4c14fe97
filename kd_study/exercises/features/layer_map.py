import math
from numbers import Integral

from kd_study.exercises.base import Exercise, Unmet, check, expect, outcome, say, shown


def whiteboard(student_layers, teacher_layers):
    if not 1 <= student_layers <= teacher_layers:
        raise ValueError(f"{student_layers} layers can't be spread over {teacher_layers}")
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


class LayerMap(Exercise):
    def validate(self, result, arguments):
        expect(
            isinstance(result, list),
            f"a list should come back, but {type(result).__name__} did",
            f"应返回列表，返回的却是{type(result).__name__}",
        )
        for layer in result:
            kind = type(layer).__name__
            expect(
                isinstance(layer, Integral),
                f"layers are integers, but the list holds a {kind}, {layer!r:.40}",
                f"层号应是整数，列表里却有{kind}：{layer!r:.40}",
            )

    @check(en="Worked examples", zh="手算例子")
    def agrees_with_worked_examples(self, fn):
        for student, teacher, expected in (
            (4, 12, [3, 6, 9, 12]),
            (3, 6, [2, 4, 6]),
            (5, 12, [2, 4, 7, 9, 12]),
            (2, 3, [1, 3]),
        ):
            _expect_layers(
                fn,
                student,
                teacher,
                expected,
                f"{student} layers spread over {teacher} are i · {teacher} / {student}, rounded down",
                f"{student}层均匀铺到{teacher}层上，是i · {teacher} / {student}向下取整",
            )

    @check(en="The last layer meets the last", zh="最后一层对最后一层")
    def ends_at_the_last_layer(self, fn):
        for student, teacher in ((1, 12), (5, 12), (7, 24), (11, 12), (11, 15), (6, 48)):
            layers = fn(student, teacher)
            expect(
                len(layers) == student and layers[-1] == teacher,
                f"{student} numbers, the last of them {teacher}, should come back, but {shown(layers)} did",
                f"应返回{student}个数，最后一个是{teacher}，返回的却是{shown(layers)}",
            )

    @check(en="A student as deep as its teacher", zh="与教师一样深的学生")
    def pairs_equal_depths_one_to_one(self, fn):
        for layers in (1, 2, 12):
            _expect_layers(
                fn,
                layers,
                layers,
                list(range(1, layers + 1)),
                f"with {layers} layers on both sides each should meet its own, counted from 1",
                f"两边都是{layers}层时应当一一对应，从1开始编号",
            )

    @check(en="Exact for every pair of depths", zh="对每一组层数都精确")
    def is_exact_for_every_pair(self, fn):
        for teacher in range(1, 64):
            for student in range(1, teacher + 1, 1 + teacher // 8):
                _expect_layers(
                    fn,
                    student,
                    teacher,
                    [math.floor(i * teacher / student) for i in range(1, student + 1)],
                    f"for {student} layers of {teacher}: multiply first, then divide and round down, all in integers",
                    f"{student}层对{teacher}层：先乘，再除并向下取整，全用整数",
                )

    @check(en="ValueError for more layers than the teacher", zh="比教师还深时抛出ValueError")
    def refuses_a_student_deeper_than_its_teacher(self, fn):
        for student, teacher in ((13, 12), (2, 1), (24, 12), (1, 0)):
            came = _raised_or_returned(fn, student, teacher)
            expect(
                came == "ValueError",
                f"{student} layers can't each have a teacher's layer of their own among {teacher}: that should raise ValueError, but "
                f"gave {came}",
                f"{student}层无法在{teacher}层教师中各有各的对应：应抛出ValueError，实际得到{came}",
            )

    @check(en="ValueError for a student with no layer", zh="学生没有层时抛出ValueError")
    def refuses_a_student_without_layers(self, fn):
        for student, teacher in ((0, 12), (-1, 12), (0, 0)):
            came = _raised_or_returned(fn, student, teacher)
            expect(
                came == "ValueError",
                f"a student of {student} layers should raise ValueError, but gave {came}",
                f"学生层数为{student}时应抛出ValueError，实际得到{came}",
            )

    def probes(self):
        pairs = ((4, 12), (5, 12), (7, 24), (1, 12), (6, 6), (11, 15), (11, 14))
        return {f"{s} of {t}": {"student_layers": s, "teacher_layers": t} for s, t in pairs}

    def edges(self):
        pairs = ((13, 12), (0, 12), (-1, 12), (0, 0), (1, 0))
        return {f"{s} of {t}": {"student_layers": s, "teacher_layers": t} for s, t in pairs}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["types"] = outcome(lambda: [type(layer).__name__ for layer in function(4, 12)])
        return ordinary, edge


def _raised_or_returned(fn, student, teacher) -> str:
    """The kind of error, or what came back instead."""
    try:
        return shown(fn(student, teacher))
    except Unmet as unmet:
        return say(f"a result ({unmet})", f"一个返回值（{unmet}）")
    except Exception as error:
        return "ValueError" if isinstance(error, ValueError) else type(error).__name__


def _expect_layers(fn, student, teacher, expected, en, zh):
    came = fn(student, teacher)
    expect(
        came == expected,
        f"{en} (expected {shown(expected)}, got {shown(came)})",
        f"{zh}（应为{shown(expected)}，实为{shown(came)}）",
    )


def _check_depths(student_layers, teacher_layers):
    if not 1 <= student_layers <= teacher_layers:
        raise ValueError(f"A student needs 1 to {teacher_layers} layers, got {student_layers}.")


@LayerMap.wrong(
    en="The numbers count from 0, as a list of modules does: the last is one short of the teacher's last layer. Here layers count "
    "from 1.",
    zh="编号从0开始，像模块列表那样：最后一个比教师的最后一层少1。这里的层从1开始编号。",
)
def counts_from_zero(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [i * teacher_layers // student_layers - 1 for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="i runs from 0: the first entry is 0, which is the embeddings, and the teacher's last layer is never used.",
    zh="i从0开始：第一个是0，也就是嵌入层，而教师的最后一层始终没有用到。",
)
def starts_at_the_embeddings(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [i * teacher_layers // student_layers for i in range(student_layers)]


@LayerMap.wrong(
    en="The map starts at the teacher's first layer, ⌊(i − 1) · teacher / student⌋ + 1: the last layer, the one that the teacher's "
    "answer is read from, is left out.",
    zh="映射从教师的第一层开始，即⌊(i − 1) · 教师 / 学生⌋ + 1：漏掉了最后一层，而教师的输出正是从那里读出的。",
)
def starts_at_the_first_layer(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [i * teacher_layers // student_layers + 1 for i in range(student_layers)]


@LayerMap.wrong(
    en="The quotient is rounded before it is multiplied: 5 layers of 12 give steps of 2 and end at 10 instead of 12. Multiply first.",
    zh="先把商取整再相乘：5层对12层时步长是2，只到10而不是12。应当先乘。",
)
def rounds_before_it_multiplies(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [i * (teacher_layers // student_layers) for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="The quotient is a float, and rounding errors of its multiples fall below the integer: 11 · (15 / 11) comes out as 14.99…, one layer "
    "short. i * teacher // student is exact.",
    zh="商是浮点数，乘回去时的舍入误差会落到整数以下：11 · (15 / 11)算出来是14.99…，差了一层。i * teacher // student才是精确的。",
)
def multiplies_a_float_quotient(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [int(i * (teacher_layers / student_layers)) for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="Fractions are rounded up. Rounded down, 5 layers of 12 are [2, 4, 7, 9, 12].",
    zh="对小数向上取整了。向下取整时，5层对12层是[2, 4, 7, 9, 12]。",
)
def rounds_up(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [-(-i * teacher_layers // student_layers) for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="Fractions are rounded to the nearest integer; they should be rounded down.",
    zh="对小数做了四舍五入；应当向下取整。",
)
def rounds_to_the_nearest(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [round(i * teacher_layers / student_layers) for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="The first and the last layer are both fixed and the rest spread between: [1, 4, 8, 12] for 4 of 12. A student's first layer "
    "then has to do with one layer what it has three for.",
    zh="把首尾两层都固定，其余铺在中间：4层对12层成了[1, 4, 8, 12]。学生的第一层只对应教师的一层，本来该对应三层的功夫。",
)
def fixes_both_ends(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    gaps = max(student_layers - 1, 1)
    return [1 + i * (teacher_layers - 1) // gaps for i in range(student_layers)]


@LayerMap.wrong(
    en="These are the teacher's last layers. That is a strategy too, but not the even one: all that the teacher does early must then "
    "happen in the student's first layer.",
    zh="这是教师的最后几层。这也是一种策略，但不是均匀的那种：教师前面所做的一切，都得挤进学生的第一层。",
    reference="Sun et al. 2019 (PKD-last)",
)
def takes_the_last_layers(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return list(range(teacher_layers - student_layers + 1, teacher_layers + 1))


@LayerMap.wrong(
    en="These are the teacher's first layers: the student never sees what the teacher makes of them.",
    zh="这是教师的前几层：学生始终看不到教师后面得出的东西。",
)
def takes_the_first_layers(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return list(range(1, student_layers + 1))


@LayerMap.wrong(
    en="Each of the teacher's layers gets one of the student's: the map points the wrong way and is as long as the teacher is deep.",
    zh="给教师的每一层配了学生的一层：方向反了，列表的长度成了教师的层数。",
)
def maps_the_teacher_to_the_student(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [math.ceil(i * student_layers / teacher_layers) for i in range(1, teacher_layers + 1)]


@LayerMap.wrong(
    en="The division by / leaves floats, which index no list. // divides integers.",
    zh="用/相除得到的是浮点数，不能作下标。整数除法是//。",
)
def returns_floats(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    return [i * teacher_layers / student_layers // 1 for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="A student with more layers than the teacher goes through: two of its layers get the same one, or the layer 0. That is a "
    "ValueError.",
    zh="学生比教师还深也放行了：会有两层对应同一层，甚至对应第0层。应抛出ValueError。",
)
def lets_a_deeper_student_through(student_layers, teacher_layers):
    if student_layers < 1:
        raise ValueError("A student needs a layer.")
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="A student with no layer gets an empty list: the loss over no pair of layers is 0, and nobody notices that nothing is "
    "learned. That is a ValueError.",
    zh="没有层的学生得到空列表：一对层也没有，损失就是0，谁也不会发现什么都没学。应抛出ValueError。",
)
def lets_a_student_without_layers_through(student_layers, teacher_layers):
    if student_layers > teacher_layers:
        raise ValueError("The student is deeper than the teacher.")
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="No depth is refused. A student without layers, or with more than the teacher, is a ValueError.",
    zh="什么层数都不拒绝。学生没有层，或层数比教师还多时，应抛出ValueError。",
)
def refuses_nothing(student_layers, teacher_layers):
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="An assert takes the place of the ValueError: it raises another kind of error, and under python -O none at all.",
    zh="用assert代替了ValueError：抛出的是另一种错误，而在python -O下什么也不会抛出。",
)
def asserts_instead(student_layers, teacher_layers):
    assert 1 <= student_layers <= teacher_layers
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="The map goes back from the last layer in steps of ⌊teacher / student⌋: where the depths don't divide, the student's early layers are set to late ones.",
    zh="从最后一层起，以⌊教师 / 学生⌋为步长往回数：层数不能整除时，学生靠前的层就对上了教师靠后的层。",
)
def steps_back_from_the_last_layer(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    step = teacher_layers // student_layers
    return [teacher_layers - step * (student_layers - i) for i in range(1, student_layers + 1)]


@LayerMap.wrong(
    en="The student's layers go to the teacher's odd ones as far as they reach, and the last to the last: a table made for 6 of 12, not the formula.",
    zh="学生的各层依次对应教师的奇数层，最后一层对应最后一层：这是为6层对12层写的表，不是公式。",
)
def takes_every_other_layer(student_layers, teacher_layers):
    _check_depths(student_layers, teacher_layers)
    layers = [min(2 * i - 1, teacher_layers) for i in range(1, student_layers)]
    return [*layers, teacher_layers]


EXERCISE = LayerMap()
