/**
 * Standard base64 with its padding, as Go's decoder insists on it; line breaks are passed over.
 * @throws Error that names the byte, as Go does
 */
export function bytesFrom(text: string): Buffer {
  const bad = GOOD.test(text) ? -1 : firstBadByte(text);
  if (bad >= 0) throw new Error(`illegal base64 data at input byte ${bad}`);
  return Buffer.from(text, 'base64');
}

/** Whole groups without line breaks: what nearly all of it is. */
const GOOD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Where Go's `decodeQuantum` gives up; -1: nowhere. */
function firstBadByte(text: string): number {
  let inGroup = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\r' || char === '\n') continue;
    if (/[A-Za-z0-9+/]/.test(char)) {
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (char !== '=' || inGroup < 2) return at;
    const end = inGroup === 3 ? at : text.indexOf('=', at + 1);
    if (end < 0) return text.length;
    if (!/^[\r\n]*$/.test(text.slice(at + 1, end))) return at + 1;
    const garbage = text.slice(end + 1).search(/[^\r\n]/);
    return garbage < 0 ? -1 : end + 1 + garbage;
  }
  return inGroup === 0 ? -1 : text.length - inGroup;
}
