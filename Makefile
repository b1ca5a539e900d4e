# Each target is one script; what a script does and takes is said at its top.

help:  ## Lists these targets.
	@sed -n 's/^\([a-z]*\): *## /\1\t/p' Makefile

setup: ## Installs what is missing: a compiler, PostgreSQL.
	bin/dev/setup

demo:  ## Shows the whole of it in a minute, on its own ports and database.
	bin/dev/stack demo

run:   ## Runs server, daemon and PostgreSQL until Ctrl-C.
	bin/dev/stack run

test:  ## Runs the tests with a PostgreSQL of their own.
	bin/dev/test

lint:  ## Checks format, clippy, documentation and protos.
	bin/dev/lint

chart: ## Checks the Helm chart, without a cluster.
	bin/dev/chart

image: ## Shows that the programs run in the image, without a registry, as root: minutes, and a build.
	bin/dev/image

chaos: ## Kills programs at random, many times, and looks whether anything was lost.
	CHAOS_KILLS=60 bin/dev/test -- chaos

storm: ## Has ten thousand people hear of a month while five daemons are killed and the database goes and comes: half an hour.
	STORM_FULL=1 bin/dev/test --release --test it -- chaos::storm --nocapture

rolling: ## Replaces three servers twenty times each while they are used, and looks whether a call failed: minutes.
	ROLLING_RESTARTS=20 bin/dev/test --test it -- faults::rolling --nocapture

outage: ## Has the database be away for ten seconds while both programs are at work, and times their recovery.
	OUTAGE_SECONDS=10 bin/dev/test --test it -- faults::outage --nocapture

soak:  ## Has everybody do everything for two days on the clock, and looks whether the programs keep any of it: twenty-three minutes.
	SOAK_MINUTES=20 bin/dev/test --test it -- soak::a_day --nocapture

steady: ## Offers eight tenths of what the server can do for ten minutes, and looks whether it stays as fast and as small.
	STEADY_MINUTES=10 bin/dev/test --test it -- soak::steady --nocapture

races: ## Lets two things happen at once: to one invite, a thousand times each pair; opting out and mail; and looks among a million.
	RACES_FULL=1 INVITES_FULL=1 bin/dev/test --test it -- invite::races invite::pages unsubscribe::races

bulk:  ## Has random jobs survive workers that die anywhere, a daemon that is killed fifty times move a tree, and one copy of three items go beside one of a hundred thousand: minutes.
	BULK_FULL=1 bin/dev/test --test it -- bulk::model bulk::kills bulk::fairness --nocapture

templates: ## Publishes a large template to a hundred WorkCenters while workers die, and a small one to a thousand: minutes.
	TEMPLATES_FULL=1 bin/dev/test --test it -- template::large template::cost --nocapture

watchers: ## Has a thousand watch two hundred jobs while the connection that listens is ended every three seconds: a minute, and a build.
	WATCHERS_FULL=1 bin/dev/test --release --test it -- job::crowd --nocapture

browser: ## Has Chromium press the buttons of the unsubscribe pages and looks at them, small and large, light and dark.
	bin/dev/browser

calendar: ## Looks at every date of every zone for seventy years, and lets a thousand people live through five.
	CALENDAR_FULL=1 bin/dev/test --test it -- calendar:: --nocapture

digests: ## Composes a hundred thousand digests, and looks whether one costs more than when there are few: ten minutes.
	DIGESTS_FULL=1 bin/dev/test --release --test it -- digest::scale --nocapture

plans: ## Looks at how PostgreSQL goes about every statement that the programs run, as it is planned at first and later on: minutes.
	PLANS_FULL=1 bin/dev/test --test it -- plans:: --nocapture

growth: ## Looks whether a profile, an event, a digest, an invite or a watcher costs more among ten million than among few: minutes, and 12 GB of disk.
	GROWTH_FULL=$${GROWTH_FULL:-1} bin/dev/test --test it -- growth:: --nocapture

handshakes: ## Has ten thousand connections that never agree on TLS stand in the way of those that do.
	TLS_FULL=1 bin/dev/test --test it -- tls::served --nocapture

peers: ## Lets clients in other languages use and abuse the server, as much as is promised: ten minutes.
	PEERS_FULL=1 bin/dev/test -- peers --nocapture --test-threads=1

pictures: ## Cuts all pictures that others made, and as many large ones at once as is promised: ten minutes.
	PICTURES_FULL=1 bin/dev/test --test it -- picture:: --nocapture --test-threads=1

fuzz:  ## Tries inputs that nobody thought of as pictures, and as all else that comes from outside: ten minutes.
	bin/dev/fuzz

abuse: ## Has callers ask for what does harm, in every call, and ten thousand of them who never come to an end: minutes.
	ulimit -n "$$(ulimit -H -n)" && ABUSE_FULL=1 bin/dev/test --test it -- abuse:: --nocapture --test-threads=1

deny:  ## Looks at the licences, sources and doubles of dependencies, and at what is known against them.
	bin/dev/deny

bench: ## Compares what it costs with what others cost, side by side.
	benches/run
signin: ## Measures how long signing in takes, on an optimised server.
	bin/dev/signin

ci:    ## Runs all that a change must pass.
	.ci/run

.PHONY: help setup demo run test lint chart image chaos storm soak steady races bulk templates watchers browser calendar digests handshakes peers pictures fuzz bench signin ci abuse deny rolling outage plans growth
