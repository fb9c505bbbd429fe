/** `busybox` → `docker.io/library/busybox:latest`: the one name behind the forms people write. */
export function normalizeImage(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const registry = hasRegistry ? first : 'docker.io';
  let path = hasRegistry ? name.slice(slash + 1) : name;
  if (registry === 'docker.io' && !path.includes('/')) path = `library/${path}`;
  const tagged = path.includes('@') || path.slice(path.lastIndexOf('/') + 1).includes(':');
  return `${registry}/${path}${tagged ? '' : ':latest'}`;
}
