import { status } from '@grpc/grpc-js';
import type { IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import type { IServerFeaturesServer } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { randomUUID } from 'node:crypto';
import type { Faults } from './control.js';
import { features, gossip, shared } from './generated.js';

/** The client appends in batches only where the server says it can. */
export function featuresServer(faults: Faults): IServerFeaturesServer {
  return {
    getSupportedMethods: (_call, answer) =>
      faults.capabilities === 'unspoken'
        ? answer({ code: status.INTERNAL, details: 'not known yet' })
        : answer(null, supportedMethods(faults.capabilities === 'batch-appends')),
  };
}

/** A cluster of one. */
export function gossipServer(port: () => number): IGossipServer {
  const instanceId = new shared.UUID().setString(randomUUID());
  return {
    read: (_call, answer) => {
      const member = new gossip.MemberInfo()
        .setInstanceId(instanceId)
        .setTimeStamp(String(Date.now()))
        .setState(gossip.MemberInfo.VNodeState.LEADER)
        .setIsAlive(true)
        .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port()));
      answer(null, new gossip.ClusterInfo().setMembersList([member]));
    },
  };
}

function supportedMethods(batchAppends: boolean): SupportedMethods {
  const names = ['read', 'append', 'delete', 'tombstone', ...(batchAppends ? ['batchappend'] : [])];
  const methods = names.map((name) =>
    new features.SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name),
  );
  return new features.SupportedMethods().setMethodsList(methods).setEventStoreServerVersion('23.10.8');
}
