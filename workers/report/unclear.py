"""Why a command was not understood. Nothing of what was written is in these sentences."""

from workers.conversation.commands import LONGEST_NAME, MOST_SEEDS

COMMAND = "There is no such command."
STAGE = "What can be checked again is static, stress, preview or all."
PAGE_SIZE = "The page sizes are 4k, 16k, 64k or all."
SEEDS = f"The number of seeds is written seeds=N, once, with N from 1 to {MOST_SEEDS}."
NO_NAME = "The name of what to explain is missing: a constant, a heap config or a rule."
LONG_NAME = f"The name of what to explain is longer than {LONGEST_NAME} characters."
NO_SHA = "The full sha of the commit is missing: it names what may be built and run."
