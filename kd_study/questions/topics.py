"""The bank's topics in the order of the page of all questions, with their titles."""

from collections.abc import Iterable

from kd_solutions.support.language import Text
from kd_study.questions.form import Question

TOPICS = {
    "foundations": Text("Foundations", "基础"),
    "temperature": Text("Temperature", "温度系数"),
    "loop": Text("The loop", "训练循环"),
    "design_choices": Text("Design choices", "设计选择"),
    "debugging": Text("Reading code, logs and curves", "读代码、日志和曲线"),
    "measuring": Text("Measuring", "测量与结论"),
    "what_is_learned": Text("What the student learns", "学生学到了什么"),
    "features": Text("Features, relations and debugging", "特征、关系与排错"),
    "feature_lesson": Text("When logits are not enough", "logits不够的时候"),
    "crosslingual": Text("Across languages", "跨语言"),
    "multilingual": Text("Many languages in one model", "一个模型多种语言"),
    "less_data": Text("Less target data", "更少的目标语言数据"),
    "robustness": Text("Robustness", "鲁棒性"),
    "label_transfer": Text("Labels across languages", "跨语言的标签"),
    "transfer": Text("Ways across languages", "跨语言的几条路"),
    "embeddings": Text("Embeddings and more languages", "句向量与更多语言"),
    "sequences": Text("Language models", "语言模型的蒸馏"),
    "llm_practice": Text("Language models in practice", "语言模型蒸馏的实务"),
    "selfdistillation": Text("Self-distillation", "自蒸馏"),
    "scaling": Text("Scaling, and which teacher", "规模与教师的选择"),
    "compression": Text("Compression and deployment", "压缩与部署"),
    "estimates": Text("Estimates", "估算"),
    "designs": Text("Designing a system", "系统设计"),
}


def by_topic(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """The questions topic after topic, without the topics that have none."""
    questions = list(questions)
    found = {topic: [each for each in questions if each.topic == topic] for topic in TOPICS}
    return {topic: each for topic, each in found.items() if each}
