# %% [markdown] lang="en"
# # Glossary
#
# | term | 中文 | meaning |
# |---|---|---|
# | KL divergence | KL散度 | cross-entropy minus p's own entropy: 0 when the two agree |
# | agreement, fidelity | 一致率（忠实度） | how often student and teacher answer the same, right or wrong |
# | bitext retrieval | 双语检索 | finding a sentence's translation among many by the nearest vector |
# | calibration | 校准 | whether a confidence of 80 % is right 80 % of the time |
# | capacity gap | 容量差距 | a teacher so much larger that the student can't follow it |
# | confidence interval | 置信区间 | a range made so that, over many repetitions, 95 % of such ranges hold the truth |
# | control | 对照 | a comparison that could have killed the claim |
# | cross-entropy | 交叉熵 | −Σ p log q: the cost of coding p's samples with q |
# | dark knowledge | 暗知识 | what the probabilities of the wrong classes say |
# | embedding | 嵌入 | a vector for a token or a text |
# | encoder | 编码器 | the part of a model that turns text into vectors |
# | eval mode | 评估模式 | dropout off, BatchNorm on its stored statistics; gradients still flow |
# | expected calibration error | 期望校准误差 | the mean gap between confidence and accuracy, over bins of confidence |
# | exposure bias | 曝光偏差 | training on the right prefixes, speaking after one's own |
# | feature-based distillation | 基于特征的蒸馏 | imitating hidden layers, often through a projector |
# | forward KL | 前向KL | KL(teacher ‖ student): the student must cover all that the teacher does |
# | frozen | 冻结 | without gradient and in eval mode for good |
# | hard labels | 硬标签 | one class an example, as annotators give it |
# | head | 分类头 | the last, linear layer that turns vectors into logits |
# | held-out data | 留出数据 | data that nothing was trained or chosen on |
# | hubness | 枢纽现象 | some vectors are nearest neighbours of far too many others |
# | intent | 意图 | what a command asks for, the class to be predicted |
# | knowledge distillation | 知识蒸馏 | training a student on a teacher's outputs instead of, or beside, labels |
# | label smoothing | 标签平滑 | one-hot labels mixed with the uniform distribution |
# | lexicon | 词典 | word translations, here mined from parallel text |
# | logits | logits | a classifier's raw scores before the softmax |
# | mask | 掩码 | which tokens count; padding doesn't |
# | mean pooling | 平均池化 | a text's vector as the mean of its tokens' vectors |
# | on-policy distillation | 同策略蒸馏 | the teacher scores what the student itself wrote |
# | padding | 填充 | tokens that bring all texts of a batch to one length |
# | paired seeds | 配对种子 | both sides of a comparison run with the same random seeds |
# | parallel text | 平行语料 | sentences with their translations |
# | projector | 投影层 | a layer that maps the student's width to the teacher's, dropped after training |
# | pseudo-labels | 伪标签 | the teacher's arg max, used as a hard label |
# | pseudo-translation | 伪译文 | a sentence rewritten word by word with a mined lexicon |
# | quantisation | 量化 | storing weights in few bits, such as int8 with a scale a row |
# | relation-based distillation | 基于关系的蒸馏 | imitating how examples lie to one another |
# | response-based distillation | 基于响应的蒸馏 | imitating the outputs |
# | reverse KL | 反向KL | KL(student ‖ teacher): the student must do nothing that the teacher wouldn't |
# | soft targets, soft labels | 软标签 | the teacher's probabilities over all classes |
# | source language | 源语言 | the language with labels, here English |
# | student | 学生模型 | the model that is trained and shipped |
# | target language | 目标语言 | a language to be served, without labels |
# | teacher | 教师模型 | the model whose outputs are imitated; it doesn't change |
# | teacher forcing | 教师强制 | feeding the right previous tokens during training |
# | temperature | 温度系数 | the number that logits are divided by before the softmax; above 1 it flattens |
# | template | 模板 | a sentence pattern from which many commands are sampled |
# | token | 词元 | the unit that a model reads: a word or a piece of one |
# | translate-test | 翻译测试集 | translating the user's text into the source language, at run time |
# | translate-train | 翻译训练集 | translating the labelled data into the target language, before training |
# | word alignment | 词对齐 | which word of a translation stands for which of the original |
# | zero-shot transfer | 零样本迁移 | using a model in a language for which it saw no labelled example |

# %% [markdown] lang="zh"
# # 术语表
#
# | 术语 | English | 含义 |
# |---|---|---|
# | KL散度 | KL divergence | 交叉熵减去p自身的熵：两者一致时为0 |
# | 一致率（忠实度） | agreement, fidelity | 学生与教师回答相同的比例，不论对错 |
# | 双语检索 | bitext retrieval | 按最近的向量在大量句子中找出译文 |
# | 校准 | calibration | 置信度为80%的预测是否有80%是对的 |
# | 容量差距 | capacity gap | 教师比学生大太多，学生跟不上 |
# | 置信区间 | confidence interval | 按同样的步骤反复得出的范围，有95%能覆盖真值 |
# | 对照 | control | 有可能推翻结论的对比实验 |
# | 交叉熵 | cross-entropy | −Σ p log q：用q给p的样本编码的代价 |
# | 暗知识 | dark knowledge | 错误类别的概率所包含的信息 |
# | 嵌入 | embedding | 词元或文本对应的向量 |
# | 编码器 | encoder | 把文本变成向量的那部分模型 |
# | 评估模式 | eval mode | 关闭dropout，BatchNorm使用已存的统计量；梯度照样流动 |
# | 期望校准误差 | expected calibration error | 按置信度分箱后，置信度与准确率之差的加权平均 |
# | 曝光偏差 | exposure bias | 训练时接在正确的前缀后，生成时却接在自己的输出后 |
# | 基于特征的蒸馏 | feature-based distillation | 模仿隐藏层，常借助投影层 |
# | 前向KL | forward KL | KL(教师 ‖ 学生)：学生必须覆盖教师的全部 |
# | 冻结 | frozen | 不求梯度，并且始终处于评估模式 |
# | 硬标签 | hard labels | 每个样本只有一个类别，由标注者给出 |
# | 分类头 | head | 把向量变成logits的最后一个线性层 |
# | 留出数据 | held-out data | 没有用于训练、也没有用于选择的数据 |
# | 枢纽现象 | hubness | 某些向量成了过多向量的最近邻 |
# | 意图 | intent | 命令想做的事，也就是要预测的类别 |
# | 知识蒸馏 | knowledge distillation | 用教师模型的输出（代替标签，或与标签一起）训练学生模型 |
# | 标签平滑 | label smoothing | 把one-hot标签与均匀分布混合 |
# | 词典 | lexicon | 词的对译表，这里从平行语料中挖掘 |
# | logits | logits | 分类器在softmax之前的原始得分 |
# | 掩码 | mask | 标出哪些词元计入；填充不计入 |
# | 平均池化 | mean pooling | 把各词元向量的平均作为文本向量 |
# | 同策略蒸馏 | on-policy distillation | 由教师给学生自己生成的内容打分 |
# | 填充 | padding | 为了让一批文本等长而补上的词元 |
# | 配对种子 | paired seeds | 比较的两方使用相同的随机种子 |
# | 平行语料 | parallel text | 互为译文的句子对 |
# | 投影层 | projector | 把学生的维度映射到教师维度的层，训练后丢弃 |
# | 伪标签 | pseudo-labels | 把教师模型的arg max当作硬标签 |
# | 伪译文 | pseudo-translation | 用挖掘出的词典逐词改写的句子 |
# | 量化 | quantisation | 用较少的比特存储权重，如int8加每行一个缩放因子 |
# | 基于关系的蒸馏 | relation-based distillation | 模仿样本之间的相互关系 |
# | 基于响应的蒸馏 | response-based distillation | 模仿输出 |
# | 反向KL | reverse KL | KL(学生 ‖ 教师)：学生不得做教师不会做的事 |
# | 软标签 | soft targets, soft labels | 教师模型给全部类别的概率 |
# | 源语言 | source language | 有标签的语言，这里是英语 |
# | 学生模型 | student | 被训练、最终交付的模型 |
# | 目标语言 | target language | 要服务的、没有标签的语言 |
# | 教师模型 | teacher | 输出被模仿的模型；训练中不变 |
# | 教师强制 | teacher forcing | 训练时输入正确的前文词元 |
# | 温度系数 | temperature | softmax之前用来除logits的数；大于1时分布变平 |
# | 模板 | template | 可以采样出许多命令的句式 |
# | 词元 | token | 模型读入的单位：一个词或词的一部分 |
# | 翻译测试集 | translate-test | 运行时把用户的文本翻译成源语言 |
# | 翻译训练集 | translate-train | 训练前把带标签的训练数据翻译成目标语言 |
# | 词对齐 | word alignment | 译文中哪个词对应原文中的哪个词 |
# | 零样本迁移 | zero-shot transfer | 在没有见过该语言标注样本的情况下直接使用模型 |

# %% [markdown] lang="en"
# [Back to the start](00_start.ipynb)

# %% [markdown] lang="zh"
# [回到首页](00_start.ipynb)
