import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabFolder } from '../../lab/folder.ts';
import { docker } from './engine.ts';

/** On every object of a lab: its name, its folder on this machine, and which lab of that name and folder it was. */
export const LABELS = {
  lab: 'kubelab.lab',
  folder: 'kubelab.folder',
  id: 'kubelab.id',
  /** Containers only: the member, and a hash of what the container was made of. */
  member: 'kubelab.member',
  spec: 'kubelab.spec',
} as const;

/** A container, volume or network of a lab. */
export interface LabObject {
  readonly kind: 'container' | 'volume' | 'network';
  readonly id: string;
  readonly folder: string;
  readonly labId: string;
}

/** A lab's certificates are made once: a later lab of the same name and folder has others. */
export async function labId(folder: LabFolder): Promise<string> {
  const authority = await readFile(join(folder.path, 'pki/ca.crt'));
  return createHash('sha256').update(authority).digest('hex').slice(0, 12);
}

/** Whatever the engine has under the lab's name, made by whichever lab. */
export async function objectsNamed(name: string): Promise<LabObject[]> {
  const filter = ['--filter', `label=${LABELS.lab}=${name}`];
  const labels = `{{.Label "${LABELS.folder}"}}\t{{.Label "${LABELS.id}"}}`;
  const [containers, volumes, networks] = await Promise.all([
    docker('ps', '--all', ...filter, '--format', `{{.ID}}\t${labels}`),
    docker('volume', 'ls', ...filter, '--format', `{{.Name}}\t${labels}`),
    docker('network', 'ls', ...filter, '--format', `{{.ID}}\t${labels}`),
  ]);
  return [...rows(containers, 'container'), ...rows(volumes, 'volume'), ...rows(networks, 'network')];
}

function rows(text: string, kind: LabObject['kind']): LabObject[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', folder = '', lab = ''] = line.split('\t');
      return { kind, id, folder, labId: lab };
    });
}

/** Throws when the engine has objects of another lab of this name: they would be mistaken for this lab's. */
export async function refuseStrangers(folder: LabFolder): Promise<void> {
  const own = await labId(folder);
  const stranger = (await objectsNamed(folder.name)).find((object) => object.labId !== own);
  if (stranger === undefined) return;
  throw new Error(
    isOurs(stranger, folder)
      ? `the engine still has parts of an earlier lab "${folder.name}": "kubelab down --name ${folder.name}" removes them`
      : `the engine has a lab "${folder.name}" already, kept in ${stranger.folder}: choose another --name`,
  );
}

/** Removes whatever this lab, or one that is forgotten, has left under its name in the engine; how many objects those were. */
export async function removeObjects(folder: LabFolder): Promise<number> {
  const ours = (await objectsNamed(folder.name)).filter((object) => isOurs(object, folder));
  const ids = (kind: LabObject['kind']) => ours.filter((object) => object.kind === kind).map(({ id }) => id);
  const remove = async (words: readonly string[], list: readonly string[]) => {
    if (list.length > 0) await docker(...words, ...list);
  };
  await remove(['rm', '--force', '--volumes'], ids('container'));
  await Promise.all([remove(['volume', 'rm'], ids('volume')), remove(['network', 'rm'], ids('network'))]);
  return ours.length;
}

/** Of this folder, or of one where no lab is kept any more. */
function isOurs(object: LabObject, folder: LabFolder): boolean {
  return object.folder === folder.path || !existsSync(join(object.folder, 'lab.json'));
}
