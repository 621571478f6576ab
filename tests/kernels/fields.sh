#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fields.sh DIR
#
# For the kernels whose types are in DIR/NAME.btf, writes what the test of relocated fields needs:
#
#   DIR/fields        STRUCT FIELD, of all that every one of these kernels has
#   DIR/fields.bpf.o  a program a struct, which asks all there is to ask about each of these fields,
#                     by types laid out like no kernel's: members backwards, numbers of other sizes
#   DIR/NAME.want     what the answers are in that kernel, as bpftool shows its types, sorted
#
# A field is a member, one of an anonymous member, "inner.member" of a member that is a struct, or
# "array[1]". bpftool tells its bit offset, its size and its sign; of a bit field it tells the width,
# from which follows what to load for it and how to shift that.
set -eu
export LC_ALL=C

# What tracing tools look into, of all parts of the kernel.
structs="task_struct signal_struct sighand_struct sigpending sigqueue mm_struct vm_area_struct file inode \
dentry super_block path qstr files_struct fdtable fs_struct nsproxy pid upid cred user_struct \
pid_namespace user_namespace uts_namespace mnt_namespace mount vfsmount cgroup css_set cgroup_subsys_state \
thread_info rq cfs_rq sched_entity sched_rt_entity sched_dl_entity sched_info sched_statistics \
sock sock_common inet_sock tcp_sock inet_connection_sock udp_sock unix_sock socket sk_buff skb_shared_info \
net_device net iphdr ipv6hdr tcphdr udphdr ethhdr neighbour request request_queue gendisk block_device bio \
bio_vec page address_space kobject device device_driver module work_struct workqueue_struct timer_list \
hrtimer irq_desc irqaction perf_event bpf_prog bpf_map bpf_prog_aux trace_event_call linux_binprm \
kiocb iov_iter pipe_inode_info seq_file poll_table_struct wait_queue_head mutex rw_semaphore \
trace_event_raw_sched_switch trace_event_raw_sched_process_exec trace_event_raw_signal_generate"

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# bpftool's raw dump to lines: STRUCT FIELD CLASS BIT_OFFSET BITS SIZE SIGNED. CLASS: n a number, p a
# pointer, s a struct or union, e an enum; "a" before it: an array of these. BITS: 0, or of a bit field.
# shellcheck disable=SC2016 # awk's
flatten='
function kind_of(id) { # through typedefs and the like
	while (kind[id] ~ /^(TYPEDEF|CONST|VOLATILE|RESTRICT|TYPE_TAG)$/)
		id = to[id]
	return id
}
function size_of(id) {
	id = kind_of(id)
	if (kind[id] == "PTR")
		return 8
	if (kind[id] == "ARRAY")
		return elems[id] * size_of(to[id])
	return size[id]
}
function class_of(id) {
	id = kind_of(id)
	if (kind[id] == "INT")
		return "n"
	if (kind[id] == "PTR")
		return "p"
	if (kind[id] ~ /^(STRUCT|UNION)$/)
		return "s"
	return kind[id] ~ /^ENUM/ ? "e" : ""
}
function say(path, id, class, bit, bits) {
	id = kind_of(id)
	if (class != "" && size_of(id) > 0)
		print root, path, class, bit, bits, size_of(id), (signed[id] ? 1 : 0)
}
function walk(id, prefix, bit, depth,    i, n, type, at, path, t) {
	for (i = 1; i <= members[id]; i++) {
		n = id SUBSEP i
		t = kind_of(type_of[n])
		at = bit + offset[n]
		if (name[n] == "(anon)") {
			if (class_of(t) == "s")
				walk(t, prefix, at, depth)
			continue
		}
		path = prefix name[n]
		if (kind[t] == "ARRAY") {
			if (elems[t] < 2 || class_of(to[t]) == "")
				continue
			say(path, t, "a" class_of(to[t]), at, 0)
			say(path "[1]", to[t], class_of(to[t]), at + 8 * size_of(to[t]), 0)
			continue
		}
		say(path, t, class_of(t), at, bits[n])
		if (class_of(t) == "s" && !depth)
			walk(t, path ".", at, 1)
	}
}
function value(key,    s) { # of "key=value"
	s = $0
	return sub(".* " key "=", "", s) ? s + 0 : 0
}
BEGIN {
	wanted_len = split(wanted, list, " ")
	for (i in list)
		is_wanted[list[i]] = 1
}
/^\[/ {
	id = substr($1, 2, length($1) - 2)
	kind[id] = $2
	to[id] = value("type_id")
	size[id] = value("size")
	elems[id] = value("nr_elems")
	signed[id] = / encoding=SIGNED/
	what = substr($3, 2, length($3) - 2)
	if ($2 == "STRUCT" && what in is_wanted) {
		seen[what]++
		struct[what] = id
	}
	next
}
kind[id] ~ /^(STRUCT|UNION)$/ {
	n = id SUBSEP (++members[id])
	name[n] = substr($1, 2, length($1) - 2)
	type_of[n] = value("type_id")
	offset[n] = value("bits_offset")
	bits[n] = value("bitfield_size")
}
END {
	for (root in struct)
		if (seen[root] == 1) # else no one answer would be the right one
			walk(struct[root], "", 0, 0)
}'

for btf in *.btf; do
	bpftool btf dump file "$btf" format raw >"$work/raw"
	awk -v wanted="$structs" "$flatten" "$work/raw" | sort -u >"$work/${btf%.btf}.flat"
	# A name that a union has twice is whichever comes first.
	awk '++seen[$1 " " $2] > 1 { twice[$1 " " $2] } { line[NR] = $0; key[NR] = $1 " " $2 }
	     END { for (i = 1; i <= NR; i++) if (!(key[i] in twice)) print line[i] }' \
		"$work/${btf%.btf}.flat" >"$work/${btf%.btf}.once"
done

# In all of them, of one class: STRUCT FIELD CLASS BITS LOAD. BITS: "bits" where it is a bit field in some;
# LOAD: 1 where it is unsigned, or a pointer, and no bit field in all.
awk '{
	key = $1 " " $2
	count[key]++
	if (!(key in class))
		class[key] = $3
	if (class[key] != $3)
		differs[key]
	if ($5)
		is_bits[key]
	if ($5 || $7 || $6 > 8 || $3 !~ /^[np]$/)
		no_load[key]
}
FNR == 1 { files++ }
END {
	for (key in count)
		if (count[key] == files && !(key in differs))
			print key, class[key], (key in is_bits ? "bits" : "-"), (key in no_load ? 0 : 1)
}' "$work"/*.once | sort >"$work/common"
# Nothing is inside, or an element of, what is not in all of them itself.
awk '{
	parent = $2
	if (sub(/(\.[^.]*|\[1\])$/, "", parent) && !(($1 " " parent) in has))
		next
	has[$1 " " $2]
	print
}' "$work/common" >"$work/fields"
cut -d' ' -f1,2 "$work/fields" >fields

# The program. Members come backwards; what is inside a struct, behind it in the list, goes into it.
awk '
function declare(class, name, is_bits) {
	if (class ~ /^a/)
		return declare(substr(class, 2), name "[2]", "-")
	if (class == "n")
		return is_bits == "bits" ? "unsigned int " name " : 3;" : "u64 " name ";"
	if (class == "p")
		return "void *" name ";"
	if (class == "e")
		return "enum { E" ++enums " } " name ";"
	return "struct { " (inner[name] == "" ? "char c;" : inner[name]) " } " name ";"
}
function finish(    i) {
	if (root == "")
		return
	print "struct " root " {"
	for (i = tops; i; i--)
		print "\t" declare(top_class[i], top[i], top_bits[i])
	print "};\n\nSEC(\"tracepoint/fields/" root "\")\nint fields_" root "(struct " root " *p)\n{"
	print body "\treturn 0;\n}\n"
	tops = 0
	body = ""
	split("", inner)
}
BEGIN {
	print "typedef unsigned long long u64;\n"
	print "#define SEC(name) __attribute__((section(name), used))"
	print "#define SAY(x) asm volatile(\"\" : : \"r\"((u64)(x)))"
	print "#define ASK(x, kind) SAY(__builtin_preserve_field_info(x, kind))\n"
	print "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n"
}
$1 != root {
	finish()
	root = $1
}
{
	field = "p->" $2
	if ($2 ~ /\./) {
		split($2, part, ".")
		if (part[2] !~ /\[/)
			inner[part[1]] = declare($3, part[2], $4) " " inner[part[1]]
	} else if ($2 !~ /\[/) {
		top[++tops] = $2
		top_class[tops] = $3
		top_bits[tops] = $4
	}
	asked = "0 1 2" # and of numbers, but elements of arrays, which clang has no answer for
	if ($2 !~ /\]$/)
		asked = asked ($3 == "n" ? " 3 4 5" : $3 == "e" ? " 3" : "")
	n = split(asked, kinds, " ")
	for (i = 1; i <= n; i++)
		body = body "\tASK(" field ", " kinds[i] ");\n"
	if ($5)
		body = body "\tSAY(" field ");\n"
}
END {
	finish()
	print "#pragma clang attribute pop"
}' "$work/fields" >fields.bpf.c
${CLANG:-clang} -target bpf -mcpu=v2 -g -O2 -Wall -Werror -c -o fields.bpf.o fields.bpf.c

# The answers. endian tells from which end of the loaded bytes bit fields are counted.
for btf in *.btf; do
	name=${btf%.btf}
	case $name in *s390x) endian=big ;; *) endian=little ;; esac
	awk -v endian=$endian '
	NR == FNR {
		class[$1 " " $2] = $3
		load[$1 " " $2] = $5
		next
	}
	!(($1 " " $2) in class) { next }
	{
		bit = $4; bits = $5; size = $6
		of = "of struct " $1 "." $2 "="
		byte = int(bit / 8)
		if (bits) {
			byte = int(bit / 8 / size) * size
			while (bit + bits > (byte + size) * 8 && size < 8) {
				size *= 2
				byte = int(bit / 8 / size) * size
			}
		} else {
			bits = size * 8
		}
		shift = bit - byte * 8
		print "byte offset " of byte
		print "byte size " of size
		print "existence " of 1
		if ($2 ~ /\]$/)
			;
		else if ($3 == "e")
			print "signedness " of $7
		else if ($3 == "n") {
			print "signedness " of $7
			print "left shift " of (endian == "big" ? (8 - size) * 8 + shift : 64 - shift - bits)
			print "right shift " of 64 - bits
		}
		if (load[$1 " " $2])
			print "byte offset " of byte " in " size
	}' "$work/fields" "$work/$name.once" | sort >"$name.want"
done
