# `make help` lists the targets.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      ?= go

.PHONY: help run build test mutants sim chaos lint bench clients image

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and start one node on 127.0.0.1:6379 with its data in ./data
	bin/kindred serve --port 6379 --dir ./data

build: ## build the static binary bin/kindred
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/kindred ./server/cmd/kindred

# The timeout is for machines that are busy with other work. The race detector is run where goroutines share state; it needs a C compiler, so it is left out where there is none.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo yes)
test: ## run every test that needs only Go
	$(GO) test -timeout 30m ./...
ifeq ($(RACE),yes)
	CGO_ENABLED=1 $(GO) test -timeout 30m -race -short ./engine/... ./cluster/... ./resp/...
endif

mutants: ## break the rules that the promise rests on by turns, and crash at every crash point: tests must notice
	$(GO) test -tags mutants -run 'TestMutants|TestCrashPoints' ./cluster/clustertest/sim ./cluster/clustertest

SEEDS ?= 100
FIRST ?= 1
sim: ## simulate SEEDS=100 clusters under faults, from seed FIRST=1 on, and list the seeds that fail
	$(GO) test ./cluster/clustertest/sim -run '^TestSeeds$$' -count=1 -timeout 0 -v -seeds=$(SEEDS) -first=$(FIRST)

# It is built and not `go run`, so that signals and exit codes are its own.
DURATION ?= 5m
chaos: build ## as root: five nodes in namespaces under kills, cuts, full disks, lost power; DURATION=5m SEED=n
	$(GO) build -o bin/chaos ./bench/chaos
	bin/chaos -binary bin/kindred -duration $(DURATION) $(if $(SEED),-seed $(SEED)) $(if $(SKIP),-skip)

lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt'ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench: build ## measure against redis-server and a Redis Cluster; SHORT=1 for a smoke run
	$(GO) run ./bench $(if $(SHORT),-short)

clients: build ## run real clients against one node and three
	clients/run

image: build ## build the container image
	rm -rf bin/image && mkdir -p bin/image/data
	cp bin/kindred docker/kindred.conf bin/image/
	docker build -f docker/Dockerfile -t kindred:$(VERSION) -t kindred:latest bin/image
