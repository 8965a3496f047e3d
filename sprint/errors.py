"""The one exception that is meant for the user: what was asked, what was got, what is allowed."""


class UserError(Exception):
    """One sentence for the user. The command line prints it without a traceback and exits with status 2."""
