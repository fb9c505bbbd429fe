/**
 * Replaces `$(NAME)` by its value; `$$(NAME)` stands for the literal text, and unknown names stay as they are.
 * Upstream: `k8s.io/kubernetes/third_party/forked/golang/expansion`.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (all, what: string, name: string | undefined) => {
    if (what === '$') return '$';
    return name === undefined ? all : (lookup(name) ?? all);
  });
}

export function expandAll(
  texts: readonly string[] | undefined,
  env: ReadonlyMap<string, string>,
): string[] | undefined {
  return texts?.map((text) => expand(text, (name) => env.get(name)));
}
