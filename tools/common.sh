# shellcheck shell=bash
# What tools/demo and tools/test share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
invoked_from=$PWD
cd "$root" || exit

prefix=/usr/local

# A prefix that the dynamic linker does not search needs to be named to pkg-config and to the linker.
use_prefix() {
  [ -n "$1" ] || { echo "--prefix needs a directory" >&2; exit 2; }
  case $1 in
    /*) prefix=$1 ;;
    *) prefix=$invoked_from/$1 ;;
  esac
  [ "$prefix" != /usr/local ] || return 0
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
  export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# Seconds as "3 min 5 s".
in_words() {
  if [ "$1" -ge 60 ]; then printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); else printf '%d s' "$1"; fi
}
