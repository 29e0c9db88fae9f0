"""Activities of events in Open edX's tracking logs, shared by the peers' scripts for these logs.

The tables equal those in crates/events/src/formats/edx/kinds.rs. A name that ends with a dot stands for all names that begin
with it.
"""

ACTIVITIES = {
    "video": ["load_video", "play_video", "pause_video", "stop_video", "complete_video", "seek_video", "speed_change_video",
              "show_transcript", "hide_transcript", "video_show_cc_menu", "video_hide_cc_menu", "edx.video."],
    "problem": ["problem_check", "problem_check_fail", "problem_graded", "problem_reset", "reset_problem",
                "reset_problem_fail", "problem_save", "save_problem_success", "save_problem_fail", "problem_show",
                "showanswer", "edx.problem.", "edx.drag_and_drop_v2.", "edx.special_exam.", "openassessmentblock.",
                "openassessment.", "xblock.poll.", "xblock.survey.", "ubc.peer_instruction."],
    "submission": ["openassessmentblock.create_submission"],
    "navigate": ["seq_goto", "seq_next", "seq_prev", "edx.ui.", "edx.bookmark."],
    "page_close": ["page_close"],
    "access": ["book", "textbook.", "edx.course.tool.accessed", "edx.course.student_notes.", "edx.googlecomponent.",
               "microsoft.office.mix.", "oppia.exploration.", "edx.done.toggled"],
    "post": ["edx.forum.thread.created", "edx.forum.response.created", "edx.forum.comment.created"],
    "discussion": ["edx.forum."],
    "other": ["edx.", "xblock.", "xmodule.", "unknown"],
}
# Activity by the part of the course in a request's path.
PARTS = {
    "navigate": ["", "course", "info", "about", "progress", "jump_to", "jump_to_id"],
    "access": ["courseware", "pdfbook", "htmlbook", "book", "edxnotes"],
    "discussion": ["discussion"],
    "wiki": ["wiki"],
    "download": ["asset"],
}
COUNTED = ["access", "navigate", "video", "problem", "discussion", "post", "wiki", "submission", "download", "page_close", "other"]
# Path of a course, followed by the first word of the path inside it.
COURSE_PATH = r"/courses/((?:course|ccx)-v1:[^/?#]+|[^/?#]+/[^/?#]+/[^/?#]+)(?:/([^/?#]*))?"
CHANGES = ["edx.course.enrollment.activated", "edx.course.enrollment.deactivated", "edx.certificate.created",
           "edx.course.grade.passed.first_time", "edx.course.grade.now_passed"]


def rules():
    """Lists (name, whether it is a whole name and not a beginning, activity); the first match counts."""
    whole = [(name, True, activity) for activity, names in ACTIVITIES.items() for name in names if not name.endswith(".")]
    begun = [(name, False, activity) for activity, names in ACTIVITIES.items() for name in names if name.endswith(".")]
    return whole + sorted(begun, key=lambda rule: -len(rule[0]))
