from .grading import (
    Report as Report,
)
from .grading import (
    grade as grade,
)
from .notebook import (
    check as check,
)
from .notebook import (
    clock as clock,
)
from .notebook import (
    earned as earned,
)
from .notebook import (
    exercise_table as exercise_table,
)
from .notebook import (
    family_map as family_map,
)
from .notebook import (
    family_table as family_table,
)
from .notebook import (
    find_families as find_families,
)
from .notebook import (
    find_questions as find_questions,
)
from .notebook import (
    guess as guess,
)
from .notebook import (
    hint as hint,
)
from .notebook import (
    lesson_map as lesson_map,
)
from .notebook import (
    mock_interview as mock_interview,
)
from .notebook import (
    my_guesses as my_guesses,
)
from .notebook import (
    plan as plan,
)
from .notebook import (
    progress as progress,
)
from .notebook import (
    projector as projector,
)
from .notebook import (
    review as review,
)
from .notebook import (
    room as room,
)
from .notebook import (
    search_questions as search_questions,
)
from .notebook import (
    show_answers as show_answers,
)
from .notebook import (
    solution as solution,
)
from .notebook import (
    tick as tick,
)
from .notebook import (
    try_commands as try_commands,
)
from .notebook import (
    use_language as use_language,
)
from .notebook import (
    yours_or_reference as yours_or_reference,
)
