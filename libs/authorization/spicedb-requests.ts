import { v1 } from '@authzed/authzed-node';
import type { Check, Update } from './spicedb.js';

export function toUpdate({ operation, tuple, expiresAt }: Update): v1.RelationshipUpdate {
  return v1.RelationshipUpdate.create({
    operation: operation === 'touch' ? v1.RelationshipUpdate_Operation.TOUCH : v1.RelationshipUpdate_Operation.DELETE,
    relationship: {
      ...parse(tuple),
      ...(operation === 'touch' && expiresAt !== null && { optionalExpiresAt: timestamp(expiresAt) }),
    },
  });
}

export function toCheckRequest({ resource, permission, subject }: Check) {
  const [object, optionalRelation = ''] = subject.split('#') as [string, string?];
  return { resource: objectOf(resource), permission, subject: { object: objectOf(object), optionalRelation } };
}

/** The precondition that a relationship exists. */
export function mustExist(tuple: string): v1.Precondition {
  return precondition(v1.Precondition_Operation.MUST_MATCH, tuple);
}

/** The precondition that a resource has no relationship. */
export function mustBeBare(resource: string): v1.Precondition {
  const { objectType, objectId } = objectOf(resource);
  return v1.Precondition.create({
    operation: v1.Precondition_Operation.MUST_NOT_MATCH,
    filter: { resourceType: objectType, optionalResourceId: objectId },
  });
}

function precondition(operation: v1.Precondition_Operation, tuple: string): v1.Precondition {
  const { resource, relation, subject } = parse(tuple);
  return v1.Precondition.create({
    operation,
    filter: {
      resourceType: resource.objectType,
      optionalResourceId: resource.objectId,
      optionalRelation: relation,
      optionalSubjectFilter: { subjectType: subject.object.objectType, optionalSubjectId: subject.object.objectId },
    },
  });
}

function parse(tuple: string) {
  const match = /^([^#@]+)#([^#@]+)@([^#]+)(?:#(.+))?$/.exec(tuple);
  if (!match) throw new Error(`"${tuple}" is no relationship`);
  return {
    resource: objectOf(match[1]!),
    relation: match[2]!,
    subject: { object: objectOf(match[3]!), optionalRelation: match[4] ?? '' },
  };
}

function objectOf(reference: string): { objectType: string; objectId: string } {
  const colon = reference.indexOf(':');
  return { objectType: reference.slice(0, colon), objectId: reference.slice(colon + 1) };
}

function timestamp(iso: string): { seconds: string; nanos: number } {
  const ms = Date.parse(iso);
  return { seconds: String(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
}
