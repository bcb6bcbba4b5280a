"""Every sentence a person sees, in English and 简体中文, without Qt (reports and the command line need it too).

May import `errors` only.
"""

from desktop.i18n.catalogue import Language, Translator, catalogue
from desktop.i18n.formats import format_age, format_date, format_datetime

__all__ = ["Language", "Translator", "catalogue", "format_age", "format_date", "format_datetime"]
