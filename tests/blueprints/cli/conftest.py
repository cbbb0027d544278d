import pytest


@pytest.fixture
def flask(app):
    """`flask("operator", "create", "--name", …)`: what the command line answers."""

    def run(*arguments):
        return app.test_cli_runner().invoke(args=list(arguments))

    return run


@pytest.fixture
def last_line(flask):
    """The last line of a command that worked: the id or key."""

    def run(*arguments):
        answer = flask(*arguments)
        assert answer.exit_code == 0, answer.output
        return answer.stdout.splitlines()[-1]

    return run
