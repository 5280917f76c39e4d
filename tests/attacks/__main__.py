"""Run the attacks: all, or those whose names contain one of the arguments."""

import importlib
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tests.attacks
from tests.attacks.arena import ATTACKS, Arena, Fell


def main() -> None:
    """Run them, print what was seen, and exit with 1 if the server fell short anywhere."""
    for module in pkgutil.iter_modules(tests.attacks.__path__):
        if module.name not in ("__main__", "arena"):
            importlib.import_module(f"tests.attacks.{module.name}")
    wanted = sys.argv[1:]
    fell = 0
    for attack in ATTACKS:
        if wanted and not any(part in attack.name for part in wanted):
            continue
        print(f"{attack.name}: {attack.tried}", flush=True)
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".attack-") as directory:
            try:
                seen = attack.run(Arena(Path(directory)))
            except Fell as error:
                fell += 1
                seen = f"FELL SHORT: {error}"
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                fell += 1
                seen = f"COULD NOT BE TRIED: {type(error).__name__}: {error}"
        print(f"    before: {attack.before}\n    now:    {seen}", flush=True)
    sys.exit(f"{fell} fell short" if fell else None)


if __name__ == "__main__":
    main()
