# Sourced by scripts/test, scripts/demo and scripts/bench: installs what a script needs and this
# machine lacks. Where it cannot (not root, no apt, offline) it says so and goes on: what needs the
# package then skips itself, visibly, or stops with its own message.

# The command or file that shows that a Debian package is there, however it got there.
declare -A PACKAGE_SIGN=(
  [fuse3]=fusermount [fio]=fio [rsync]=rsync [e2fsprogs]=mkfs.ext4 [xfsprogs]=mkfs.xfs
  [python3]=python3 [simh]=mtdump [iproute2]=ip [btrfs-progs]=mkfs.btrfs
  [qemu-utils]=qemu-img [qemu-system-common]=qemu-storage-daemon
  [postgresql]=/usr/lib/postgresql/15/bin/initdb
)

has_command() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null
}

# Prints those of the packages whose command is missing.
missing_packages() {
  local package
  for package in "$@"; do
    has_command "${PACKAGE_SIGN[$package]}" || printf '%s ' "$package"
  done
}

install_packages() {
  local missing
  read -ra missing <<<"$(missing_packages "$@")"
  ((${#missing[@]} == 0)) && return
  echo "missing packages: ${missing[*]}"
  if ((EUID != 0)) || ! has_command apt-get; then
    echo "not installed: needs root on Debian (apt-get install ${missing[*]})"
    return
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null &&
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
  read -ra missing <<<"$(missing_packages "$@")"
  ((${#missing[@]} == 0)) || echo "could not install: ${missing[*]}; what needs them is skipped"
}

# Needs the working directory at the root of the project.
install_node_modules() {
  if ! has_command node || ! node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);'; then
    echo 'Node.js 20.19 or newer is needed'
    return 1
  fi
  lacks_modules . || return 0
  echo 'npm ci'
  install_modules .
}
