"""Runs in a fresh environment: imports every module of the installed package, and prints what became of each, as JSON.

An import may fail by one sentence only, that of a missing extra or framework. Everything else is a mistake of the wheel.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import warnings


def modules() -> list[str]:
    """Return the names of all modules that the distribution's record has."""
    files = importlib.metadata.files("monite-auth") or []
    parts = [file.with_suffix("").parts for file in files if file.suffix == ".py"]
    return sorted(".".join(each[:-1] if each[-1] == "__init__" else each) for each in parts)


def main() -> None:
    """Import all of them."""
    warnings.simplefilter("error")
    if importlib.util.find_spec("django") is not None:
        import django
        from django.conf import settings

        apps = [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.admin",
            "monite_auth_django",
        ]
        settings.configure(INSTALLED_APPS=apps, SECRET_KEY="of nobody", USE_TZ=True)  # noqa: S106 - of this process only
        django.setup()
    imported, missing, failed = [], {}, {}
    for name in modules():
        try:
            importlib.import_module(name)
        except ImportError as error:
            named = re.search(r"pip install (.+?)\.?$", str(error))
            if named is None:
                failed[name] = repr(error)
            else:
                missing[name] = named[1]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            failed[name] = repr(error)
        else:
            imported.append(name)
    json.dump({"imported": imported, "missing": missing, "failed": failed}, sys.stdout)


if __name__ == "__main__":
    main()
