import type { LabView, MemberReport, NodeReport, PodReport } from './gather.ts';

type Paint = (text: string) => string;

/** Colours by meaning; the plain palette leaves text as it is. */
export interface Palette {
  readonly good: Paint;
  readonly bad: Paint;
  readonly busy: Paint;
  readonly faint: Paint;
  readonly strong: Paint;
}

const plain = (text: string) => text;
export const PLAIN: Palette = { good: plain, bad: plain, busy: plain, faint: plain, strong: plain };
const sgr = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
export const COLOUR: Palette = { good: sgr(32), bad: sgr(31), busy: sgr(33), faint: sgr(2), strong: sgr(1) };

/** The lab as text: members with role, term and index; nodes with the pods on them. */
export function renderView(view: LabView, palette: Palette): string {
  const { status, nodes, apiError } = view;
  const lines = [palette.strong(`Lab ${status.name} (${status.driver})`), ''];
  const width = Math.max(...status.members.map(({ name }) => name.length)) + 2;
  for (const member of status.members)
    lines.push(`  ${member.name.padEnd(width)}${memberText(member, palette)}`);
  lines.push('');
  if (apiError !== undefined) lines.push(palette.bad(`  The API does not answer: ${apiError}`));
  for (const node of nodes) lines.push(...nodeLines(node, palette));
  return `${lines.join('\n')}\n`;
}

function memberText(member: MemberReport, palette: Palette): string {
  const state = member.state.padEnd(12);
  const colour =
    member.state === 'running' ? palette.good : member.state === 'down' ? palette.bad : palette.busy;
  const role = (member.role ?? '').padEnd(10);
  const progress = member.term === undefined ? '' : `term ${member.term}  index ${member.index}`;
  return `${colour(state)}${member.role === 'leader' ? palette.strong(role) : role}${palette.faint(progress)}`.trimEnd();
}

function nodeLines(node: NodeReport, palette: Palette): string[] {
  const colour = node.status === 'Ready' ? palette.good : palette.bad;
  const pods = node.pods.toSorted((a, b) => podKey(a).localeCompare(podKey(b)));
  return [
    `  ${palette.strong(node.name)}  ${colour(node.status)}  ${pods.length} pods`,
    ...pods.map((pod) => `    ${podText(pod, palette)}`),
  ];
}

function podText(pod: PodReport, palette: Palette): string {
  const mark = pod.isTerminating ? palette.faint('◌') : pod.isReady ? palette.good('●') : palette.busy('○');
  const word = pod.isTerminating ? 'Terminating' : pod.phase;
  return `${mark} ${podKey(pod)}  ${palette.faint(word)}`;
}

function podKey({ namespace, name }: PodReport): string {
  return `${namespace}/${name}`;
}
