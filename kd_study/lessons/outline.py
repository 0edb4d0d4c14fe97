"""The lessons' outline, data alone: names, minutes, exercises. Tests compare it with the sources."""

from dataclasses import dataclass

from kd_solutions.support.language import Text


@dataclass(frozen=True)
class Lesson:
    """question: what it answers. minutes: of reading and running, its exercises come on top. exercises: those
    set in it, in its order."""

    name: str
    title: Text
    question: Text
    minutes: int
    exercises: tuple[str, ...]


LESSONS = (
    Lesson(
        "00_start",
        Text("00 · Start here", "00 · 从这里开始"),
        Text("What will I be able to do at the end?", "学完之后我能做到什么？"),
        15,
        ("agreement",),
    ),
    Lesson(
        "01_soft_labels",
        Text("01 · What distillation is", "01 · 什么是蒸馏"),
        Text("What does a teacher know that its labels don't say?", "除了标签，教师还知道什么？"),
        40,
        ("soft_targets", "soft_cross_entropy", "distillation_kl", "kd_loss"),
    ),
    Lesson(
        "02_temperature",
        Text("02 · Temperature", "02 · 温度系数"),
        Text("Why soften, and why $T^2$?", "为什么要软化，又为什么要乘$T^2$？"),
        35,
        ("logit_mse",),
    ),
    Lesson(
        "03_the_loop",
        Text("03 · The loop", "03 · 训练循环"),
        Text("What is wrong with this loop?", "这个循环错在哪里？"),
        45,
        ("freeze", "distill_step", "train_student_model", "repair_the_loop", "kd_gradient"),
    ),
    Lesson(
        "04_design_choices",
        Text("04 · Design choices", "04 · 设计选择"),
        Text(
            "Same structure? MSE or cross-entropy? SGD or Adam?", "结构要相同吗？MSE还是交叉熵？SGD还是Adam？"
        ),
        45,
        ("average_teachers", "dist_loss", "top_k_kd"),
    ),
    Lesson(
        "05_what_is_learned",
        Text("05 · What the student learns", "05 · 学生学到了什么"),
        Text("Does the student copy the teacher?", "学生是在复制教师吗？"),
        45,
        (
            "smooth_labels",
            "paired_bootstrap",
            "dkd_loss",
            "selective_kd",
            "expected_calibration_error",
        ),
    ),
    Lesson(
        "06_features",
        Text("06 · Features and relations", "06 · 特征与关系"),
        Text("When are logits not enough?", "什么时候光有logits不够？"),
        45,
        (
            "hint_loss",
            "layer_map",
            "debug_idle_projector",
            "rkd_distance",
            "rkd_angle",
            "similarity_preserving",
            "contrastive_kd",
            "attention_transfer",
            "minilm_relation",
        ),
    ),
    Lesson(
        "07_transfer",
        Text("07 · Across languages", "07 · 跨语言迁移"),
        Text("How does a task reach a language without labels?", "没有标签的语言，任务怎样才能过去？"),
        40,
        (
            "mean_pool",
            "remove_language",
            "procrustes",
            "ibm1_step",
            "retrieval_accuracy",
            "csls",
            "margin_scores",
        ),
    ),
    Lesson(
        "08_many_languages",
        Text("08 · A student for many languages", "08 · 服务多种语言的学生模型"),
        Text("Can it teach what it can't read?", "自己读不懂的，教得会吗？"),
        40,
        ("multilingual_mse", "trim_vocabulary", "language_weights"),
    ),
    Lesson(
        "09_less_data",
        Text("09 · Less target data", "09 · 更少的目标语言数据"),
        Text("How much is the saving?", "到底省下多少？"),
        40,
        (),
    ),
    Lesson(
        "10_robustness",
        Text("10 · Robustness", "10 · 鲁棒性"),
        Text("More robust to what?", "对什么更鲁棒？"),
        45,
        ("two_level_bootstrap", "risk_threshold"),
    ),
    Lesson(
        "11_labels",
        Text("11 · Labels across languages", "11 · 跨语言的标签"),
        Text("What if the vectors can't carry it?", "向量装不下的，怎么带过去？"),
        40,
        ("transfer_soft_labels", "weight_teachers", "masked_kd"),
    ),
    Lesson(
        "15_mock_interview",
        Text("15 · The mock interview", "15 · 模拟面试"),
        Text("Where do you stand, and what is to be done about it?", "现在水平如何，接下来该补什么？"),
        6,
        (),
    ),
    Lesson(
        "16_map",
        Text("16 · The map of the field", "16 · 领域地图"),
        Text("What else do you know?", "你还知道什么？"),
        25,
        (),
    ),
)
LESSON_OF = {name: lesson for lesson in LESSONS for name in lesson.exercises}
