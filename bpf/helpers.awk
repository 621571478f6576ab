# SPDX-License-Identifier: GPL-2.0
#
#   awk -f bpf/helpers.awk /usr/include/linux/bpf.h >bpf/include/bpf/bpf_helper_defs.h
#
# Makes the declarations of the kernel's helpers from what its header says of them: the number
# of each stands in a list of macro arguments, FN(name), counting from 0, or FN(name, number, ...)
# (Linux 6.1 on); its prototype in a comment that begins
#
#	 * long bpf_probe_read_kernel(void *dst, u32 size, const void *unsafe_ptr)
#
# Kernel types become those that programs know. Where one helper has several prototypes, by what
# kind of program calls it, it takes any context.
BEGIN {
	split("u8 u16 u32 u64 s8 s16 s32 s64", short)
	for (i in short)
		known[short[i]] = "__" short[i]
	known["size_t"] = "unsigned long"
	known["struct bpf_map"] = "void"
	known["struct sk_buff"] = "struct __sk_buff"
	known["struct sk_msg_buff"] = "struct sk_msg_md"
	known["struct xdp_buff"] = "struct xdp_md"
}

/Start of BPF helper function descriptions/ { in_docs = 1 }
/End of BPF helper function descriptions/ { in_docs = 0 }

in_docs && /^ \* [a-z].*[ *]bpf_[a-z0-9_]+\(.*\)$/ {
	sub(/^ \* /, "")
	name = $0
	sub(/\(.*/, "", name)
	result = name
	sub(/.*[ *]/, "", name)
	sub(/bpf_[a-z0-9_]+$/, "", result)
	args = $0
	sub(/^[^(]*\(/, "", args)
	sub(/\)$/, "", args)
	if (name in arguments && arguments[name] != args)
		sub(/^[^,]*/, "void *ctx", arguments[name])
	else
		arguments[name] = args
	results[name] = result
}

/^[ \t]*FN\([a-z0-9_]+[,)]/ {
	gsub(/[ \t\\]/, "")
	n = split($0, part, /[(),]+/)
	number = part[3] ~ /^[0-9]+$/ ? part[3] : counted
	counted = number + 1
	if (part[2] != "unspec" && !(number in names)) {
		names[number] = "bpf_" part[2]
		if (number + 0 > last)
			last = number + 0
	}
}

# Every word, a struct with its name, in the program's terms.
function translate(text, from, out, word) {
	out = ""
	while (match(text, /(struct )?[A-Za-z_][A-Za-z0-9_]*/)) {
		word = substr(text, RSTART, RLENGTH)
		out = out substr(text, 1, RSTART - 1) (word in known ? known[word] : word)
		text = substr(text, RSTART + RLENGTH)
	}
	return out text
}

function declaration(number, name, head, list, n, part, i, line, out) {
	name = names[number]
	head = "static " translate(results[name]) "(*const " name ")("
	n = split(translate(arguments[name]), part, /, */)
	line = head
	out = ""
	for (i = 1; i <= n; i++) {
		list = part[i] (i < n ? "," : ") = (void *)" number ";")
		if (length(line list) > 96) {
			sub(/ $/, "", line)
			out = out line "\n"
			line = "\t" list (i < n ? " " : "")
		} else {
			line = line list (i < n ? " " : "")
		}
	}
	return out line
}

END {
	print "/* SPDX-License-Identifier: GPL-2.0 */"
	print "/* Made by bpf/helpers.awk from the kernel's <linux/bpf.h>: edit that, not this. */"
	print "#ifndef PORTRACE_BPF_HELPER_DEFS_H"
	print "#define PORTRACE_BPF_HELPER_DEFS_H\n"
	print "#include <bpf/types.h>\n"
	for (i = 1; i <= last; i++) {
		if (!(i in names) || !(names[i] in arguments)) {
			print "helpers.awk: helper " i " " names[i] ": no prototype" >"/dev/stderr"
			exit 1
		}
		text = text declaration(i) "\n"
	}
	rest = text
	while (match(rest, /struct [a-z0-9_]+/)) {
		type = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(type in seen))
			print type ";"
		seen[type] = 1
	}
	printf "\n%s\n#endif\n", text
}
