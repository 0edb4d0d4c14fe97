from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop.accumulated_kd import AccumulatedKD


class DebugMeanOfMeans(DebugExercise, AccumulatedKD):
    contract = "accumulated_kd"


DebugMeanOfMeans.wrong_answers += AccumulatedKD.wrong_answers

EXERCISE = DebugMeanOfMeans()
