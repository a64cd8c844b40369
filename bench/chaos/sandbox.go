//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The program runs twice. The outer process makes the folder, starts the inner one in new namespaces, waits for it, and
// removes the folder. The inner one is the first process of its namespace: when it ends, and it ends with the outer one, the
// kernel kills all others in it, and with the last of them the networks, mounts and loop devices go.

const (
	folderPrefix = "kindred-chaos-"
	insideEnv    = "KINDRED_CHAOS_FOLDER"
)

// errSkipped says that this machine cannot run it.
var errSkipped = errors.New("cannot run here")

// tools are the programs that it needs, with the Debian packages they are in.
var tools = map[string]string{
	"ip": "iproute2", "nft": "nftables", "mkfs.ext4": "e2fsprogs", "mount": "mount", "umount": "mount", "nsenter": "util-linux", "cp": "coreutils",
}

// able reports why this machine cannot run it.
func able() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it makes namespaces, mounts and nftables rules, and so needs root", errSkipped)
	}
	for tool, debian := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: there is no %s, which is in the package %s", errSkipped, tool, debian)
		}
	}
	try := exec.Command("true")
	try.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := try.Run(); err != nil {
		return fmt.Errorf("%w: no new namespaces: %w", errSkipped, err)
	}
	return nil
}

const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID

// outside runs the inner process and returns its exit code.
func outside(parent string) (int, error) {
	removeStale(parent)
	folder, err := os.MkdirTemp(parent, folderPrefix)
	if err != nil {
		return exitTrouble, err
	}
	if err := os.WriteFile(filepath.Join(folder, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return exitTrouble, err
	}
	// The inner process is killed when the thread that started it ends: that must not be before the program does.
	runtime.LockOSThread()
	inner := exec.Command("/proc/self/exe", os.Args[1:]...)
	inner.Env = append(os.Environ(), insideEnv+"="+folder)
	inner.Stdin, inner.Stdout, inner.Stderr = nil, os.Stdout, os.Stderr
	// In a process group of its own it does not get the terminal's interrupt; it gets the one that is passed on.
	inner.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := inner.Start(); err != nil {
		return exitTrouble, errors.Join(err, os.RemoveAll(folder))
	}
	go func() {
		for range signals {
			_ = inner.Process.Signal(syscall.SIGTERM) // it may have ended
		}
	}()
	err = inner.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return exitTrouble, err
	}
	code := inner.ProcessState.ExitCode()
	err = clean(folder, code == exitViolation)
	switch {
	case code == exitUnable:
		return exitTrouble, errors.Join(fmt.Errorf("%w: see above", errSkipped), err)
	case code < 0:
		code = exitTrouble // it was killed
	}
	return code, err
}

// clean removes the folder; the logs stay when they are wanted.
func clean(folder string, keepLogs bool) error {
	if !keepLogs {
		return os.RemoveAll(folder)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != logFolder {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
		}
	}
	return err
}

// removeStale removes the folders of runs that were killed. A folder without a process number is of a failed run, and what
// is left in it are its logs, which whoever wanted them was told of.
func removeStale(parent string) {
	folders, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	for _, f := range folders {
		text, err := os.ReadFile(filepath.Join(f, "pid"))
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && syscall.Kill(pid, 0) == nil {
			continue
		}
		if err := os.RemoveAll(f); err != nil {
			fmt.Fprintln(os.Stderr, "a folder of a former run could not be removed:", err)
		}
	}
}

// furnish makes the inner process's namespaces fit to be used: mounts that nobody outside sees, a /proc of its own processes,
// and a /run for the names of networks.
func furnish() error {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE}, {"proc", "/proc", "proc", 0}, {"none", "/run", "tmpfs", 0},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return os.MkdirAll("/run/netns", 0o755)
}

// command runs a tool to its end. Its error has what the tool said.
func command(name string, args ...string) error { return commandWith("", name, args...) }

func commandWith(input, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
