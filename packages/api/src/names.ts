/**
 * The name shapes every object must obey, with upstream's sentences
 * (`k8s.io/apimachinery/pkg/util/validation`). Each function gives the reasons why a text is not of its
 * shape; none when it is.
 */

const DNS1123_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS1123_SUBDOMAIN = `${DNS1123_LABEL}(\\.${DNS1123_LABEL})*`;
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED_NAME})?`;
const ENV_NAME = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const whole = (source: string) => new RegExp(`^(?:${source})$`);
const RE_LABEL = whole(DNS1123_LABEL);
const RE_SUBDOMAIN = whole(DNS1123_SUBDOMAIN);
const RE_1035 = whole(DNS1035_LABEL);
const RE_QUALIFIED = whole(QUALIFIED_NAME);
const RE_LABEL_VALUE = whole(LABEL_VALUE);
const RE_ENV_NAME = whole(ENV_NAME);
const RE_RELAXED_ENV_NAME = /^[ -<>-~]+$/;
const RE_CONFIG_KEY = whole(CONFIG_KEY);

export const LABEL_CHARACTERS_MAX = 63;
export const SUBDOMAIN_CHARACTERS_MAX = 253;

function tooLong(max: number): string {
  return `must be no more than ${max} ${max === 1 ? 'byte' : 'bytes'}`;
}

/** `RegexError`: sentence, examples, and the expression itself. */
function regexError(sentence: string, source: string, ...examples: string[]): string {
  if (examples.length === 0) return `${sentence} (regex used for validation is '${source}')`;
  const quoted = examples.map((example) => `'${example}'`).join(',  or ');
  return `${sentence} (e.g. ${quoted}, regex used for validation is '${source}')`;
}

const LABEL_SENTENCE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
  'and must start and end with an alphanumeric character';
const SUBDOMAIN_SENTENCE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  'and must start and end with an alphanumeric character';
const DNS1035_SENTENCE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
  'start with an alphabetic character, and end with an alphanumeric character';

export function dns1123LabelErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > LABEL_CHARACTERS_MAX) found.push(tooLong(LABEL_CHARACTERS_MAX));
  if (!RE_LABEL.test(text)) {
    // A subdomain that is no label has a dot too many; say that rather than the general sentence.
    if (RE_SUBDOMAIN.test(text)) found.push('must not contain dots');
    else found.push(regexError(LABEL_SENTENCE, DNS1123_LABEL, 'my-name', '123-abc'));
  }
  return found;
}

export function dns1123SubdomainErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > SUBDOMAIN_CHARACTERS_MAX) found.push(tooLong(SUBDOMAIN_CHARACTERS_MAX));
  if (!RE_SUBDOMAIN.test(text)) found.push(regexError(SUBDOMAIN_SENTENCE, DNS1123_SUBDOMAIN, 'example.com'));
  return found;
}

export function dns1035LabelErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > LABEL_CHARACTERS_MAX) found.push(tooLong(LABEL_CHARACTERS_MAX));
  if (!RE_1035.test(text)) found.push(regexError(DNS1035_SENTENCE, DNS1035_LABEL, 'my-name', 'abc-123'));
  return found;
}

/** `IsValidPathSegmentName`: RBAC names may hold colons, but nothing a path could not carry. */
export function pathSegmentErrors(text: string): string[] {
  const found: string[] = [];
  if (text === '.' || text === '..') found.push(`may not be '${text}'`);
  for (const part of ['/', '%']) if (text.includes(part)) found.push(`may not contain '${part}'`);
  return found;
}

/** `[prefix/]name`: keys of labels, annotations, resources, taints, conditions. */
export function qualifiedNameErrors(text: string): string[] {
  const parts = text.split('/');
  const sentence =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  if (parts.length > 2) {
    const why = regexError(sentence, QUALIFIED_NAME, 'MyName', 'my.name', '123-abc');
    return [
      `a qualified name ${why} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const found: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') found.push('prefix part must be non-empty');
    else found.push(...dns1123SubdomainErrors(prefix).map((why) => `prefix part ${why}`));
  }
  if (name === '') found.push('name part must be non-empty');
  else if (name.length > LABEL_CHARACTERS_MAX) found.push(`name part ${tooLong(LABEL_CHARACTERS_MAX)}`);
  if (!RE_QUALIFIED.test(name)) {
    found.push(`name part ${regexError(sentence, QUALIFIED_NAME, 'MyName', 'my.name', '123-abc')}`);
  }
  return found;
}

export const labelKeyErrors = qualifiedNameErrors;

export function labelValueErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > LABEL_CHARACTERS_MAX) found.push(tooLong(LABEL_CHARACTERS_MAX));
  if (!RE_LABEL_VALUE.test(text)) {
    const sentence =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
      'and must start and end with an alphanumeric character';
    found.push(regexError(sentence, LABEL_VALUE, 'MyValue', 'my_value', '12345'));
  }
  return found;
}

/** `IsEnvVarName` before relaxed names: keys that become shell variables. */
export function envNameErrors(text: string): string[] {
  const sentence =
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', " +
    'and must not start with a digit';
  if (!RE_ENV_NAME.test(text))
    return [regexError(sentence, ENV_NAME, 'my.env-name', 'MY_ENV.NAME', 'MyEnvName1')];
  return hasChDirPrefix(text);
}

/** Environment names since 1.30 (`RelaxedEnvironmentVariableValidation`): printable ASCII without `=`. */
export function relaxedEnvNameErrors(text: string): string[] {
  if (text === '') return ['environment variable name must be non-empty'];
  if (RE_RELAXED_ENV_NAME.test(text)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of ConfigMaps and Secrets: they become file names. */
export function configMapKeyErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > SUBDOMAIN_CHARACTERS_MAX) found.push(tooLong(SUBDOMAIN_CHARACTERS_MAX));
  if (!RE_CONFIG_KEY.test(text)) {
    const sentence = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    found.push(regexError(sentence, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'));
  }
  return [...found, ...hasChDirPrefix(text)];
}

function hasChDirPrefix(text: string): string[] {
  if (text === '.') return ["must not be '.'"];
  if (text === '..') return ["must not be '..'"];
  return text.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Names of container and service ports: `http`, `grpc-web`. */
export function portNameErrors(text: string): string[] {
  const found: string[] = [];
  if (text.length > 15) found.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(text))
    found.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) found.push('must contain at least one letter (a-z)');
  if (text.includes('--')) found.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) found.push('must not begin or end with a hyphen');
  return found;
}

export function portNumberErrors(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
    ? []
    : ['must be between 1 and 65535, inclusive'];
}
