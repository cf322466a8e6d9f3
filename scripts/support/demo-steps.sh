# Sourced by scripts/demo: its steps. A step prints what it means, then each command as it would be
# typed, then runs and checks it. Uses $demo $store $mnt $fs $old $tree $arrayfs of the demo.

step_number=0

step() {
  step_number=$((step_number + 1))
  printf '\n%d. %s\n' "$step_number" "$*"
}

# Prints and runs a command line in this shell; the ERR trap of the demo reports a failure.
run() {
  current_command=$1
  printf '   $ %s\n' "$1"
  eval "$1"
  current_command=
}

give_up() {
  echo "THE DEMO FAILED: $*" >&2
  exit 1
}

# What is the same must be told apart from what could not be compared: diff and cmp do.
check_same_tree() {
  run "diff -r --no-dereference -x lost+found '$1' '$2'"
  echo '   same content'
}

check_same_image() {
  run "cmp '$1' '$2'"
  echo '   same content, byte for byte'
}

is_mounted() {
  findmnt --mountpoint "$1" >/dev/null
}

# Only ever removes a directory that a demo has made.
clean() {
  [[ -e $demo ]] || return 0
  [[ -e $demo/.arrayfs-demo || -z $(ls -A "$demo") ]] ||
    give_up "$demo is not from a demo: remove it yourself or set ARRAYFS_DEMO_DIR"
  local point
  for point in "$old" "$fs"; do
    if is_mounted "$point"; then umount "$point"; fi
  done
  if is_mounted "$mnt"; then
    "$arrayfs" umount "$mnt" || fusermount -u "$mnt" || give_up "$mnt is in use: close what uses it"
  fi
  rm -rf --one-file-system "$demo"
}

# A package tree that fits well into the volume of 2 GiB: /usr/share, or its largest part that does.
choose_tree() {
  local candidate
  if [[ -n ${ARRAYFS_DEMO_TREE:-} ]]; then
    fits "$ARRAYFS_DEMO_TREE" || give_up "$ARRAYFS_DEMO_TREE is not a readable directory of at most 1200 MiB"
    realpath "$ARRAYFS_DEMO_TREE"
    return
  fi
  while read -r candidate; do
    fits "$candidate" && echo "$candidate" && return
  done < <(du -xm --max-depth=1 /usr/share 2>/dev/null | sort -rn | cut -f2)
  give_up 'no directory below /usr/share fits: set ARRAYFS_DEMO_TREE'
}

# At most 1200 MiB and 100,000 files, all readable: ext4 makes 131,072 inodes on 2 GiB.
fits() {
  local mebibytes files
  [[ -z $(find "$1" -xdev ! -type l ! -readable -print -quit 2>&1) ]] || return
  mebibytes=$(du -sxm "$1" | cut -f1)
  files=$(find "$1" -xdev | wc -l)
  ((mebibytes <= 1200 && files > 1 && files <= 100000))
}

make_array() {
  step 'Make an array that may take 20 GiB of this disk, and mount it. Nothing is reserved yet.'
  run "$arrayfs init $store --capacity 20G"
  run "mkdir -p $mnt"
  run "$arrayfs mount $store $mnt"
  step 'Create a volume of 2 GiB. It is a file, it takes no space until it is written.'
  run "truncate -s 2G $mnt/volumes/db"
  run "ls -ls $mnt/volumes"
}

fill_volume_mounted() {
  step 'Put an ext4 file system into the volume, mount it like any disk, and copy real files there.'
  run "mkfs.ext4 -q $mnt/volumes/db"
  run "mkdir -p $fs $old"
  run "mount -o loop $mnt/volumes/db $fs"
  run "cp -a $tree/. $fs/"
  run "sync -f $fs"
}

fill_volume_unmounted() {
  step 'Put an ext4 file system with real files into the volume. Not root: there will be no loop
   mounts (mount -o loop), so mkfs.ext4 copies the files in, and debugfs will read them.'
  run "mkfs.ext4 -q -d $tree $mnt/volumes/db"
}

take_snapshot() {
  step 'Take a snapshot named monday: at once, for any size, and no data is copied.'
  run "echo 'db name=monday' > $mnt/ctl/snapshot"
  run "cat $mnt/status/snapshots"
}

accident_and_files_back() {
  step 'The accident: everything in the file system is deleted.'
  run "rm -rf $fs/*"
  run "ls -A $fs | wc -l"
  step 'Way back 1, by file: mount the snapshot read-only beside it and rsync the files back.'
  run "mount -o loop,ro,noload $mnt/snapshots/db/monday $old"
  run "rsync -a --delete $old/ $fs/"
  check_same_tree "$old" "$fs"
  check_same_tree "$tree" "$fs"
  run "umount $old $fs"
}

accident_and_files_out() {
  step 'The accident: the beginning of the image is overwritten, the file system is lost.'
  run "dd if=/dev/urandom of=$mnt/volumes/db bs=1M count=64 conv=notrunc status=none"
  if debugfs -R 'ls' "$mnt/volumes/db" 2>/dev/null | grep -q lost+found; then
    give_up 'the volume still holds a file system'
  fi
  step 'Way back 1, by file: read the files out of the snapshot, no mount needed.'
  run "mkdir -p $old"
  run "debugfs -R 'rdump / $old' $mnt/snapshots/db/monday 2>/dev/null"
  check_same_tree "$tree" "$old"
}

whole_image_back() {
  step 'Way back 2, the whole image: rsync reads both and writes only the blocks that differ.
   Both have the same size; --ignore-times, as the last writes to both may be of the same second.'
  run "rsync --inplace --no-whole-file --ignore-times $mnt/snapshots/db/monday $mnt/volumes/db"
  check_same_image "$mnt/snapshots/db/monday" "$mnt/volumes/db"
}

restore_in_the_array() {
  step 'Another accident: 100 MiB of the volume are overwritten.'
  run "dd if=/dev/urandom of=$mnt/volumes/db bs=1M seek=300 count=100 conv=notrunc,fsync status=none"
  if cmp -s "$mnt/snapshots/db/monday" "$mnt/volumes/db"; then
    give_up 'the overwritten volume still equals its snapshot'
  fi
  step 'Way back 3, inside the array: the volume is the snapshot again, at once.'
  run "echo 'db@monday' > $mnt/ctl/restore"
  check_same_image "$mnt/snapshots/db/monday" "$mnt/volumes/db"
  step 'Way back 4, without giving up what is there: a clone is a writable volume of its own.'
  run "echo 'db@monday db-test' > $mnt/ctl/clone"
  check_clone
}

check_clone() {
  if ((EUID != 0)); then
    check_same_image "$mnt/snapshots/db/monday" "$mnt/volumes/db-test"
    return
  fi
  run "mount -o loop $mnt/volumes/db-test $fs"
  check_same_tree "$tree" "$fs"
  run "umount $fs"
}

look_at_the_array() {
  step 'What the array says: its volumes, the last result of a command, its history.'
  run "cat $mnt/status/volumes"
  run "cat $mnt/ctl/snapshot"
  run "tail $mnt/events"
}
