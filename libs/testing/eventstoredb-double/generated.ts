import { createRequire } from 'node:module';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { Any } from 'google-protobuf/google/protobuf/any_pb.js';
import type { Empty } from 'google-protobuf/google/protobuf/empty_pb.js';

export const { StreamsService } = streamsService;
export const { GossipService } = gossipService;
export const { ServerFeaturesService } = featuresService;
export { features, gossip, shared, status, streams };

// The client carries a google-protobuf of its own, of another version than the other dependencies' one.
const ofClient = createRequire(createRequire(import.meta.url).resolve('@eventstore/db-client'));

export const google = {
  Any: (ofClient('google-protobuf/google/protobuf/any_pb.js') as { Any: new () => Any }).Any,
  Empty: (ofClient('google-protobuf/google/protobuf/empty_pb.js') as { Empty: new () => Empty }).Empty,
};
