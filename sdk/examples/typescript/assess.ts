// A centre registers a person, notes their consent and assesses them: three records of its private chain. The last may
// travel, and the nodes take it to the consortium by themselves. Prints its id.
import { createHash, randomBytes } from "node:crypto";

import { ledger, subjectId, tiers } from "talentchain";

import { session } from "./devnet.js";

const centre = await session("centre-1", "private-a", "centre-1");
const custodian = await centre.party();
const { PRIVATE, FULL } = ledger.Disclosure;

// Never the document itself: a salted hash, which nobody can guess. The salt stays with the centre.
const salt = randomBytes(32);
const subject = subjectId(salt, new TextEncoder().encode("AB123456"));
const commitment = new Uint8Array(createHash("sha256").update(salt).update("the centre's file").digest());

await centre.send(tiers.SubjectRegisteredSchema, { subjectId: subject, commitment, custodian, consentVersion: 1 }, { disclosure: PRIVATE });
await centre.send(tiers.ConsentGivenSchema, {
  subjectId: subject,
  kinds: ["AbilityAssessed"],
  tiers: [tiers.ConsentTier.CONSORTIUM, tiers.ConsentTier.PUBLIC],
  purpose: "placement",
  untilMs: BigInt(Date.now() + 365 * 24 * 3_600_000),
}, { disclosure: PRIVATE });
const { id, height } = await centre.send(tiers.AbilityAssessedSchema, {
  subjectId: subject,
  scores: [{ dimension: "analysis", value: 6400 }, { dimension: "communication", value: 5400 }],
  method: "structured interview",
  assessor: "board-7",
  phase: tiers.AssessmentPhase.ENTRY,
}, { disclosure: FULL });

console.error(`sealed in block ${height} of ${centre.name}`);
console.log(id);
process.exit();
