#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# musl.sh CC DIR: prints the compiler that the static binary is to be built with: musl-gcc where
# it is installed and links with this machine's libelf and zlib, else CC itself.
#
# musl-gcc looks for headers in musl's own directory only. What musl does not have, the kernel's
# headers, libelf's and zlib's, is linked into DIR one by one: were /usr/include itself on the
# search path, glibc's headers would quietly fill in for what musl has under another name or not at all.
cc=$1
dir=$2

find_header() { # NAME: its full path as CC finds it, or nothing
	echo "#include <$1>" | $cc -E -x c - 2>/dev/null |
		sed -n "s|^# [0-9]* \"\(/.*\)/$1\".*|\1/$1|p" | head -n 1
}

trial() {
	mkdir -p "$dir/include" || return
	for name in libelf.h gelf.h zlib.h zconf.h linux/bpf.h asm/types.h asm-generic/types.h; do
		path=$(find_header $name)
		[ -n "$path" ] || return
		case $name in
		*/*) path=${path%/*} name=${name%/*} ;;
		esac
		ln -sfn "$path" "$dir/include/$name" || return
	done
	printf '#include <gelf.h>\n#include <zlib.h>\n#include <linux/bpf.h>\n%s\n%s\n%s\n' \
		'#include <linux/perf_event.h>' 'int main(void) { return !elf_memory(0, 0) ||' \
		'!elf_strptr(0, 0, 0) || inflateInit2((z_stream *)0, 0) || inflate(0, 0); }' >"$dir/trial.c"
	musl-gcc -idirafter "$dir/include" -static -no-pie -o "$dir/trial" "$dir/trial.c" \
		util/libelf_shim.c "$($cc -print-file-name=libelf.a)" "$($cc -print-file-name=libz.a)"
}

if command -v musl-gcc >/dev/null && trial 2>"$dir.log"; then
	echo "musl-gcc -idirafter $dir/include"
else
	echo "$cc"
fi
