# Each target does its own set-up; what is done already is skipped. `setup/` has the steps.
.PHONY: up test soak check bench lock clean

up:
	@python3 -m setup up
	@exec .venv/bin/ioc up

# Four at once on two cores: much of the time is waiting for processes that start or end. Compiled files are written
# whatever the caller's environment says: each test process and the hundreds of processes of tests read them.
PYTEST = PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder

test:
	@python3 -m setup test
	$(PYTEST) --durations=12

# More of what `make test` shows once: kills, seeds, days of history.
soak:
	@python3 -m setup test
	$(PYTEST) -m soak --durations=5

check: export PATH := $(CURDIR)/.venv/bin:$(PATH)
check:
	@python3 -m setup test
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	python -m tools.check_messages
	npm --prefix ui run --silent lint
	npm --prefix ui run check
	npm --prefix ui test

bench:
	@python3 -m setup bench
	.venv/bin/python -m tests.bench

# Newest versions into the locks (Python packages, Kafka's jars, npm's packages), and their licences into NOTICE.
lock: export PATH := $(CURDIR)/.venv/bin:$(PATH)
lock:
	@python3 -m setup test
	python3 -m setup.lock
	@python3 -m setup test
	.venv/bin/python -m tools.notice

clean:
	rm -rf .build ioc/api/static ui/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
