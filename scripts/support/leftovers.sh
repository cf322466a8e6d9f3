# Sourced by scripts/test: finds what a test run left behind. A process is this run's when it
# carries ARRAYFS_TEST_RUN in its environment; a mount or loop device when it lies under $TMPDIR,
# or is new since `remember_machine` and dead, as nobody else would leave one either.

list_fuse_mounts() {
  awk '{ for (i = 7; i < NF; i++) if ($i == "-") type = $(i + 1); if (type ~ /^fuse(\.|$)/) print $5 }' \
    /proc/self/mountinfo
}

list_loops() {
  local file
  for file in /sys/block/loop*/loop/backing_file; do
    [[ -e $file ]] && printf '%s %s\n' "/dev/$(cut -d/ -f4 <<<"$file")" "$(<"$file")"
  done 2>/dev/null
}

remember_machine() {
  mounts_before=$(list_fuse_mounts)
  loops_before=$(list_loops)
}

# Mount points of this run, deepest first: also plain ones, such as a loop-mounted ext4.
leftover_mounts() {
  local point
  awk '{ print $5 }' /proc/self/mountinfo | grep -F "$TMPDIR/" | sort -r
  list_fuse_mounts | while read -r point; do
    grep -qxF -- "$point" <<<"$mounts_before" && continue
    [[ $point == "$TMPDIR"/* ]] && continue
    timeout 10 stat "$point" >/dev/null 2>&1 || echo "$point"
  done
}

leftover_loops() {
  local device backing
  list_loops | while read -r device backing; do
    grep -qxF -- "$device $backing" <<<"$loops_before" && continue
    [[ $backing == "$TMPDIR"/* || $backing == *'(deleted)' ]] && echo "$device $backing"
  done
}

# /proc shows the environment a program was started with: this script, which set the mark later, is
# not among them.
leftover_processes() {
  local environment pid
  for environment in /proc/[0-9]*/environ; do
    pid=$(cut -d/ -f3 <<<"$environment")
    if grep -qzxF "ARRAYFS_TEST_RUN=$ARRAYFS_TEST_RUN" "$environment" 2>/dev/null; then
      printf '%s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
    fi
  done
}

no_leftovers() {
  local kind found clean=0
  for kind in mounts loops processes; do
    found=$("leftover_$kind")
    [[ -z $found ]] && continue
    clean=1
    printf 'left behind, %s:\n%s\n' "$kind" "$found"
  done 2>/dev/null
  return $clean
}

# Removes what no_leftovers reports, so that a failed run does not disturb the next.
clean_leftovers() {
  local point device pid rest
  leftover_mounts | while read -r point; do umount -l "$point" 2>/dev/null || fusermount -uz "$point"; done
  leftover_loops | while read -r device rest; do losetup -d "$device"; done
  leftover_processes | while read -r pid rest; do kill -9 "$pid"; done
} 2>/dev/null
