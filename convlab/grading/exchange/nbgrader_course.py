"""Open an nbgrader course: its configuration and, once that is known to be safe, its gradebook."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError

CONFIGURATION = "nbgrader_config.py"


@contextmanager
def opened(course: Path) -> Iterator[tuple[Any, Any]]:
    """nbgrader's application, configured for a course, and the course's gradebook, open.

    What the course's nbgrader_config.py says holds, and what the user's own one says besides. Raises `ConvlabError`
    where nbgrader is not installed, there is no such course, and where its gradebook is missing, was made by another
    version of nbgrader, or cannot be read or written.
    """
    api = _imported("nbgrader.api")
    exceptions = import_module("sqlalchemy.exc")
    with warnings.catch_warnings(), _search_path_kept():
        app = _application(course.absolute())
        place = import_module("sqlalchemy").make_url(app.coursedir.db_url)
        try:
            _check(place)
            warnings.simplefilter("ignore", exceptions.SAWarning)  # nbgrader's own, in each of its commands
            with api.Gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
                gradebook.db().expire_on_commit = False  # else every cell is read again for every student
                yield app, gradebook
        except (exceptions.SQLAlchemyError, api.InvalidEntry) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise ConvlabError(
                f"nbgrader's gradebook {place!r} cannot be used: {said}. What was put into it is safe: mend that, and "
                "put the scores again."
            ) from error


@contextmanager
def _search_path_kept() -> Iterator[None]:
    """nbgrader puts folders at its beginning."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nbgrader":
            raise  # it is there, but lacks something of its own: its own message says it best
        raise ConvlabError(
            "nbgrader is needed to put scores into its gradebook, and is not installed: pip install nbgrader."
        ) from error


def _application(course: Path) -> Any:
    """nbgrader's own, as its commands have it in this folder."""
    if not course.is_dir():
        raise ConvlabError(f"there is no nbgrader course {course}: name the folder with {CONFIGURATION}.")
    app = _imported("nbgrader.apps").NbGrader(raise_config_file_errors=True)
    app.load_cwd_config = False  # of a folder that need not be the course's
    try:
        app.initialize([f"--course-dir={course}", "--log-level=ERROR"])
    except (Exception, SystemExit) as error:
        said = f": {error}" if not isinstance(error, SystemExit) else ""
        raise ConvlabError(f"nbgrader cannot be configured by {course / CONFIGURATION}{said}.") from error
    sys.path.insert(0, str(course))  # the configuration may name plugins that lie beside it
    return app


def _check(place: Any) -> None:
    """Raises `ConvlabError` for a gradebook that is not there, or was made by another version: nothing is changed."""
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file():
        raise ConvlabError(
            f"there is no gradebook of nbgrader in {place.database}. Name the folder of the course; if it is new, run "
            "nbgrader generate_assignment in it first."
        )
    library = import_module("sqlalchemy")
    engine = library.create_engine(place)
    try:
        with engine.connect() as connection:
            tables = library.inspect(connection).get_table_names()
            known = "alembic_version" in tables and "submitted_notebook" in tables
            query = library.text("SELECT version_num FROM alembic_version")
            version = connection.execute(query).scalar() if known else None
    finally:
        engine.dispose()
    if version is None:
        raise ConvlabError(f"{place!r} is no gradebook of nbgrader, or one of a version before 0.5.")
    scripts = import_module("alembic.script").ScriptDirectory(import_module("nbgrader.dbutil").ALEMBIC_DIR)
    if version == scripts.get_current_head():
        return
    if version in {script.revision for script in scripts.walk_revisions()}:
        remedy = "an older version of nbgrader: keep a copy of it, and run nbgrader db upgrade in the course."
    else:
        remedy = "a newer version of nbgrader than is installed here: pip install --upgrade nbgrader."
    raise ConvlabError(f"{place!r} was made by {remedy}")
