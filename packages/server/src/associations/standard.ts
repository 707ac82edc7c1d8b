/** The two associations that every node gets: one of each kind in a region, shared by all its nodes. */
import { createHash } from 'node:crypto';

/** An association, and what a node that has just got it says of it. */
export interface StandardAssociation {
  readonly associationId: string;
  /** The document that it runs. */
  readonly name: string;
  readonly associationName: string | null;
  readonly status: string;
  readonly detailedStatus: string | null;
}

/** The two, as AWS has them right after a registration, member by member. */
export function standardAssociations(account: string, region: string): readonly StandardAssociation[] {
  return [
    {
      associationId: stableId(account, region, 'AWS-GatherSoftwareInventory'),
      name: 'AWS-GatherSoftwareInventory',
      associationName: null,
      status: 'Pending',
      detailedStatus: 'Associated',
    },
    {
      associationId: stableId(account, region, 'AWS-RunPatchBaseline'),
      name: 'AWS-RunPatchBaseline',
      associationName: 'SystemAssociationForScanningPatches',
      status: 'Queued',
      detailedStatus: null,
    },
  ];
}

/** Made from what it stands for, so that nodes which register at the same moment agree on it. */
function stableId(account: string, region: string, name: string): string {
  const hex = createHash('sha256').update(`association\0${account}\0${region}\0${name}`).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
