"""The core asks, it never does: seen from outside, while it does its main job."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

SCRIPT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import online_retailer
from orderwright.codec import Codec

online_retailer.main()  # once, so that whatever is imported late has been
Codec()
seen = []

def hook(event, arguments):
    if event.split(".")[0] in {
        "open", "os", "socket", "subprocess", "shutil", "glob", "pathlib", "tempfile", "import",
        "sqlite3", "urllib", "http", "ftplib", "smtplib", "webbrowser", "ctypes", "mmap", "signal",
        "time",
    }:
        seen.append((event, arguments))

sys.addaudithook(hook)
online_retailer.main()
if "prove" in sys.argv:
    open("/dev/null").close()
    import json.tool
sys.exit(f"touched the world: {seen}" if seen else 0)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the main job twice in a new interpreter, the second time under an audit hook."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(EXAMPLES), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_main_job_touches_nothing() -> None:
    """Placing, paying, shipping and delivering open no file, socket or process."""
    done = run()
    assert (0, "") == (done.returncode, done.stderr)


def test_the_hook_would_notice() -> None:
    """The same script fails when a file is opened, so the proof can fail."""
    done = run("prove")
    assert 1 == done.returncode
    assert "touched the world" in done.stderr
