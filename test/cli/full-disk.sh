# Runs a program on a small disk of its own that is filled up once the program has written FILE.
#   unshare -m sh full-disk.sh MOUNT_POINT SIZE FILE PROGRAM [ARGUMENTS]
# Prints the program's exit code and what is left on the disk; its standard error goes through.
set -u
at=$1 size=$2 file=$3
shift 3
mount -t tmpfs -o "size=$size" tmpfs "$at" || exit 77
cd "$at" || exit 77
"$@" >stdout &
pid=$!
while [ "$file" != - ] && [ ! -e "$file" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
[ "$file" = - ] || cat /dev/zero >fill 2>/dev/null
wait "$pid"
code=$?
rm -f fill
# How others join is said before; that anything held must not be.
grep -q '^drive\|held' stdout || rm -f stdout
echo "$code $(ls -A | tr '\n' ' ')"
