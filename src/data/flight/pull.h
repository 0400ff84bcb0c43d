#pragma once

struct ArrowArrayStream;

/// The one call of libtorii_flight.so, a library of its own because Arrow Flight brings gRPC along
/// (31 MB) that few runs need. Asks the server at `location` ("grpc://host:port") for the table
/// that `command` names: DoPut of an empty table, GetFlightInfo, DoGet, as every version of Feast's
/// offline server understands them. Fills `stream` (the caller releases it) and returns 0, or
/// writes what went wrong into `error` and returns another number.
extern "C" int torii_flight_pull(const char* location, const char* command, double timeout_s,
                                 ArrowArrayStream* stream, char* error, unsigned error_size);
