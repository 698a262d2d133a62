# Bundt. `make help` lists the targets. Everything that is built goes to out/; nothing outside of it is touched except by
# `install`, and by apt-get where a Debian package is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

PREFIX  ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system

ARCH := $(shell uname -m)
RID  := $(if $(filter x86_64,$(ARCH)),linux-x64,$(if $(filter aarch64,$(ARCH)),linux-arm64,linux-$(ARCH)))
OUT  := $(CURDIR)/out

# A build that outlives make keeps its pipe open and lets `make | tee` hang.
export MSBUILDDISABLENODEREUSE := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1
export DOTNET_SKIP_FIRST_TIME_EXPERIENCE := 1
# busybox's and musl's tools, and root's, in a `su` shell too.
export PATH := $(PATH):/usr/sbin:/sbin

# Generated lists of what each program is built from: a file that disappears rebuilds as well as one that changes.
sources = $(shell find $(addprefix src/Bundt.,$(1)) \( -name obj -o -name bin \) -prune -o -type f -print) \
          $(wildcard Directory.*.props BannedSymbols.txt global.json .editorconfig)
CLI_PARTS     := Cli Cli.Tables Linux
DAEMON_PARTS  := Daemon Engine Runtime Images Oci Linux
RUNTIME_PARTS := RuntimeCli Runtime Oci Linux
PROGRAMS      := $(OUT)/bin/bundt $(OUT)/bin/bundtd $(OUT)/bin/bundt-runtime

.PHONY: all
all: $(PROGRAMS) ## build everything into out/ (native code, then the three programs, ahead of time)

.PHONY: native
native: | packages-build ## build the launcher and the spawn library (out/libexec, out/native)
	@$(MAKE) --no-print-directory -C native

# The launcher is rebuilt by its own Makefile, which knows best what it depends on; what depends on it here compares times.
$(OUT)/native/libbundtnative.a $(OUT)/libexec/bundt-launcher: native ;

# $(1) program, $(2) project, $(3) the parts of src it is made of. AOT compilation of one program takes all cores: never two at once.
define program
$(OUT)/bin/$(1): $$(call sources,$(3)) $(OUT)/lists/$(1) $(OUT)/native/libbundtnative.a | $(OUT)/libexec/bundt-launcher $(4)
	@echo "publish $(1) ($(RID))"
	@dotnet publish src/$(2) -c Release -r $(RID) -o $(OUT)/publish/$(1) -v q --nologo 
	@mkdir -p $(OUT)/bin
	@[ ! -f $(OUT)/publish/$(1)/libMonoPosixHelper.so ] || [ $(1) = bundt ] || install -m 0755 $(OUT)/publish/$(1)/libMonoPosixHelper.so $(OUT)/bin/.new.so
	@[ ! -f $(OUT)/bin/.new.so ] || mv $(OUT)/bin/.new.so $(OUT)/bin/libMonoPosixHelper.so
	@install -m 0755 $(OUT)/publish/$(1)/$(1) $(OUT)/bin/.new.$(1) && mv $(OUT)/bin/.new.$(1) $$@

$(OUT)/lists/$(1): always
	@mkdir -p $$(@D); echo $$(sort $$(call sources,$(3))) | cmp -s - $$@ || echo $$(sort $$(call sources,$(3))) > $$@
endef
$(eval $(call program,bundt,Bundt.Cli,$(CLI_PARTS),))
$(eval $(call program,bundtd,Bundt.Daemon,$(DAEMON_PARTS),$(OUT)/bin/bundt))
$(eval $(call program,bundt-runtime,Bundt.RuntimeCli,$(RUNTIME_PARTS),$(OUT)/bin/bundtd))

.PHONY: always
always:

# --- what the machine must have -------------------------------------------------------------------------------------------

.PHONY: packages-build packages-run packages-test packages-vm packages-qemu packages-bench
packages-build packages-run packages-test packages-vm packages-qemu packages-bench: packages-%:
	@.ci/packages $*

# --- running and testing --------------------------------------------------------------------------------------------------

.PHONY: run
run: all | packages-run ## build, make a small image, start a daemon and run containers in front of your eyes
	@.ci/demo

.PHONY: tests-built
tests-built: all
	@dotnet build Runtime.sln -c Release -v q --nologo

.PHONY: test
test: | packages-test ## lint, unit, native and integration tests; the last line counts them all
	@$(MAKE) --no-print-directory tests-built
	@.ci/suites lint native unit integration

.PHONY: unit
unit: tests-built ## unit tests: no root, no network
	@.ci/suites unit

.PHONY: native-test
native-test: native | packages-test ## tests of the C code, under AddressSanitizer and UBSan
	@.ci/suites native

.PHONY: integration
integration: tests-built | packages-test ## a real kernel, a real registry, real images (FILTER=… selects tests, as NUnit's --filter)
	@.ci/suites integration

.PHONY: vm
vm: tests-built | packages-test packages-vm ## only the tests that boot a user-mode-linux kernel
	@FILTER="TestCategory=Vm" .ci/suites integration

.PHONY: vm-apparmor
vm-apparmor: tests-built | packages-test packages-qemu ## only the tests of AppArmor, in a Debian kernel under QEMU
	@FILTER="FullyQualifiedName~AppArmorTests" .ci/suites integration

.PHONY: vm-checkpoint
vm-checkpoint: tests-built | packages-test packages-qemu ## only the tests of checkpoint and restore, with CRIU in a Debian kernel under QEMU
	@FILTER="FullyQualifiedName~CheckpointTests" .ci/suites integration

.PHONY: vm-network
vm-network: tests-built | packages-test packages-qemu ## only the tests of networks that this kernel may lack (ipvlan, VLANs), in a Debian kernel under QEMU
	@FILTER="FullyQualifiedName~VlanTests" .ci/suites integration

.PHONY: bench
bench: all | packages-bench ## measure against crun, runc, podman and docker, and print a table
	@tests/bench/bench

.PHONY: fuzz
fuzz: native | packages-test ## fuzz the launcher's plan reader for a bounded time
	@$(MAKE) --no-print-directory -C native fuzz

.PHONY: lint
lint: ## check the style of the C# code
	@.ci/suites lint

.PHONY: fmt
fmt: ## format the C# code
	@dotnet format Runtime.sln --severity warn

# --- images for tests and benchmarks --------------------------------------------------------------------------------------

.PHONY: fixtures
fixtures: | packages-test ## build the images of rootfs-fixtures/ into out/fixtures (all but the one for benchmarks)
	@rootfs-fixtures/build busybox redis apache2 mariadb layers127

# --- installing -----------------------------------------------------------------------------------------------------------

.PHONY: install
install: all ## install under PREFIX (default /usr/local) below DESTDIR
	@install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec $(DESTDIR)$(UNITDIR)
	@install -m 0755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin/
	@[ ! -f $(OUT)/bin/libMonoPosixHelper.so ] || install -m 0755 $(OUT)/bin/libMonoPosixHelper.so $(DESTDIR)$(PREFIX)/bin/
	@install -m 0755 $(OUT)/libexec/bundt-launcher $(DESTDIR)$(PREFIX)/libexec/
	@sed 's|@PREFIX@|$(PREFIX)|g' src/Bundt.Daemon/systemd/bundt.service > $(DESTDIR)$(UNITDIR)/bundt.service
	@install -m 0644 src/Bundt.Daemon/systemd/bundt.socket $(DESTDIR)$(UNITDIR)/bundt.socket
	@chmod 0644 $(DESTDIR)$(UNITDIR)/bundt.service
	@echo "installed into $(DESTDIR)$(PREFIX)"

.PHONY: uninstall
uninstall: ## remove what `install` put there, with the same PREFIX and DESTDIR
	@rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,bundt bundtd bundt-runtime libMonoPosixHelper.so) \
	  $(DESTDIR)$(PREFIX)/libexec/bundt-launcher $(addprefix $(DESTDIR)$(UNITDIR)/,bundt.service bundt.socket)
	@echo "removed from $(DESTDIR)$(PREFIX)"

.PHONY: clean
clean: ## remove everything that was built
	@rm -rf out
	@find src tests \( -name bin -o -name obj \) -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
