"""The states of a station application as people read them."""

from domain.application_list import View
from domain.models.applications import ApplicationStatus

STATUS_WORDS = {
    ApplicationStatus.NEW: "New",
    ApplicationStatus.ASKED: "Question asked",
    ApplicationStatus.ANSWERED: "Answered",
    ApplicationStatus.APPROVED: "Approved",
    ApplicationStatus.REJECTED: "Rejected",
}
# What the applicant reads.
STATUS_TEXTS = {
    ApplicationStatus.NEW: "We look at it and answer by mail within one to two days.",
    ApplicationStatus.ASKED: "We have a question. Answer it below, or correct what you sent.",
    ApplicationStatus.ANSWERED: "Thank you. We look at your answer and write by mail within one to two days.",
    ApplicationStatus.APPROVED: "The charging station is open.",
    ApplicationStatus.REJECTED: "The charging station cannot be opened as it was sent.",
}
VIEW_NAMES = {
    View.TO_REVIEW: "To review",
    View.ASKED: "Question asked",
    View.APPROVED: "Approved",
    View.REJECTED: "Rejected",
    View.ALL: "All",
}
