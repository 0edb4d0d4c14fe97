from .data import (
    ibm1_step as ibm1_step,
)
from .data import (
    language_weights as language_weights,
)
from .evaluation import (
    agreement as agreement,
)
from .evaluation import (
    csls as csls,
)
from .evaluation import (
    expected_calibration_error as expected_calibration_error,
)
from .evaluation import (
    margin_scores as margin_scores,
)
from .evaluation import (
    paired_bootstrap as paired_bootstrap,
)
from .evaluation import (
    procrustes as procrustes,
)
from .evaluation import (
    remove_language as remove_language,
)
from .evaluation import (
    retrieval_accuracy as retrieval_accuracy,
)
from .evaluation import (
    risk_threshold as risk_threshold,
)
from .evaluation import (
    two_level_bootstrap as two_level_bootstrap,
)
from .export import (
    quantize_int8 as quantize_int8,
)
from .losses import (
    accumulated_kd as accumulated_kd,
)
from .losses import (
    attention_transfer as attention_transfer,
)
from .losses import (
    average_teachers as average_teachers,
)
from .losses import (
    contrastive_kd as contrastive_kd,
)
from .losses import (
    dist_loss as dist_loss,
)
from .losses import (
    distillation_kl as distillation_kl,
)
from .losses import (
    dkd_loss as dkd_loss,
)
from .losses import (
    generalized_jsd as generalized_jsd,
)
from .losses import (
    hint_loss as hint_loss,
)
from .losses import (
    kd_gradient as kd_gradient,
)
from .losses import (
    kd_loss as kd_loss,
)
from .losses import (
    layer_map as layer_map,
)
from .losses import (
    logit_mse as logit_mse,
)
from .losses import (
    masked_kd as masked_kd,
)
from .losses import (
    minilm_relation as minilm_relation,
)
from .losses import (
    multilingual_mse as multilingual_mse,
)
from .losses import (
    on_policy_loss as on_policy_loss,
)
from .losses import (
    reverse_kl as reverse_kl,
)
from .losses import (
    rkd_angle as rkd_angle,
)
from .losses import (
    rkd_distance as rkd_distance,
)
from .losses import (
    selective_kd as selective_kd,
)
from .losses import (
    similarity_preserving as similarity_preserving,
)
from .losses import (
    smooth_labels as smooth_labels,
)
from .losses import (
    soft_cross_entropy as soft_cross_entropy,
)
from .losses import (
    soft_targets as soft_targets,
)
from .losses import (
    top_k_kd as top_k_kd,
)
from .losses import (
    transfer_soft_labels as transfer_soft_labels,
)
from .losses import (
    uld_loss as uld_loss,
)
from .losses import (
    weight_teachers as weight_teachers,
)
from .models import (
    StudentModel as StudentModel,
)
from .models import (
    TeacherModel as TeacherModel,
)
from .models import (
    mean_pool as mean_pool,
)
from .models import (
    trim_vocabulary as trim_vocabulary,
)
from .signals import (
    cache_teacher as cache_teacher,
)
from .support.errors import (
    StudyError as StudyError,
)
from .training import (
    distill_step as distill_step,
)
from .training import (
    freeze as freeze,
)
from .training import (
    repair_the_loop as repair_the_loop,
)
from .training import (
    train_student_model as train_student_model,
)
