"""What the clinic decided for itself: reading order, report language and templates."""

from dataclasses import dataclass
from enum import StrEnum

from desktop.access import Permission
from desktop.exports.templates import default_findings
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import AuditAction, Changes
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires


class ReadingOrder(StrEnum):
    """Whether a suggestion waits for the doctor's impression."""

    DOCTOR_FIRST = "doctor_first"
    MODEL_FIRST = "model_first"


class ReportLanguage(StrEnum):
    """Languages a report is printed in."""

    ENGLISH = "en"
    CHINESE = "zh"
    BOTH = "both"

    @property
    def languages(self) -> tuple[Language, ...]:
        """As the exporters take them; 简体中文 comes first where both are printed."""
        if self is ReportLanguage.BOTH:
            return (Language.CHINESE, Language.ENGLISH)
        return (Language(self.value),)


@dataclass(frozen=True)
class Policy:
    """One clinic's choices. template_*: what the findings field of a new reading begins with."""

    reading_order: ReadingOrder = ReadingOrder.DOCTOR_FIRST
    report_language: ReportLanguage = ReportLanguage.BOTH
    template_en: str = ""
    template_zh: str = ""

    def template(self, language: Language) -> str:
        """The findings template in a language: the clinic's own, else the one Lantern brings."""
        own = self.template_zh if language is Language.CHINESE else self.template_en
        return own or default_findings(language)


def read_policy(tx: Transaction) -> Policy:
    """The policy inside a transaction."""
    defaults = Policy()
    return Policy(
        reading_order=ReadingOrder(tx.policy.get("reading_order") or defaults.reading_order),
        report_language=ReportLanguage(tx.policy.get("report_language") or defaults.report_language),
        template_en=tx.policy.get("report_template_en"),
        template_zh=tx.policy.get("report_template_zh"),
    )


@requires(Permission.VIEW_PATIENTS)
def policy(clinic: Clinic, job: Job) -> Policy:
    """What holds in this clinic."""
    job.check()
    with clinic.store.snapshot() as tx:
        return read_policy(tx)


@dataclass(frozen=True)
class PolicyChanged:
    """The policy as it holds now."""

    policy: Policy
    changes: Changes


@requires(Permission.MANAGE_CLINIC)
def set_policy(clinic: Clinic, job: Job, new: Policy) -> PolicyChanged:
    """Change what holds; audited."""
    job.check()
    with clinic.store.transaction() as tx:
        tx.policy.set("reading_order", new.reading_order.value)
        tx.policy.set("report_language", new.report_language.value)
        tx.policy.set("report_template_en", new.template_en)
        tx.policy.set("report_template_zh", new.template_zh)
        tx.audit.add(AuditAction.CHANGE_POLICY, clinic.store.store_id, actor=clinic.actor)
    return PolicyChanged(new, Changes(policy=True))
