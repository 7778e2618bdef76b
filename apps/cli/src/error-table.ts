import type { ExitName } from './exit-codes.ts'

/** What `keyfold explain CODE` says, and the exit code that an error ends with. */
export interface ErrorRow {
  readonly exit: ExitName
  readonly why: string
  readonly fix: string
}

/** The errors of the commands themselves; those of the libraries are explained in `explain-error.ts`. */
export const errorTable = {
  USAGE: {
    exit: 'usage',
    why: 'The command line has a command, an argument or an option that does not exist, lacks one, or has a value that cannot be read',
    fix: 'Run the command with --help: it begins with examples',
  },
  INTERNAL: {
    exit: 'found',
    why: 'The command failed in a way that it does not know',
    fix: 'Report it together with the command line',
  },
  TIMED_OUT: {
    exit: 'timeout',
    why: 'The command was not done within --timeout',
    fix: 'Give more time, or look why it takes so long: keyfold broker status',
  },
  CONFIRMATION_NEEDED: {
    exit: 'refused',
    why: 'The command destroys something, and nobody is there to be asked, or the answer was no',
    fix: 'Add --yes when you are sure',
  },
  RESULT_TOO_LARGE: {
    exit: 'usage',
    why: 'With -o json everything is held in memory until the end',
    fix: 'Take -o ndjson, or fewer results with -n',
  },
  REGISTRY_UNREACHABLE: {
    exit: 'unreachable',
    why: 'Nobody answers at that address, or what answers is not a schema registry',
    fix: 'Start one (keyfold registry start), or name one with --registry or SCHEMA_REGISTRY_URL',
  },
  REGISTRY_REFUSED: {
    exit: 'usage',
    why: 'The registry answered with an error of its own',
    fix: 'Read its message: codes 409xx are conflicts, 422xx unusable input, 404xx something that is not there',
  },
  SCHEMA_NOT_FOUND: {
    exit: 'usage',
    why: 'The registry has no such schema or subject: it may be another registry than the one that was written with',
    fix: 'Compare with GET /subjects of the registry, and check --registry',
  },
  SCHEMA_NOT_AVRO: {
    exit: 'usage',
    why: 'The schema is one of JSON Schema or Protobuf, which this command does not read',
    fix: 'Read the bytes with --raw',
  },
  INPUT_INVALID: {
    exit: 'usage',
    why: 'A line of the input is not what the options say it is',
    fix: 'Correct the line that is named; lines before it have been written if the message says so',
  },
  GROUP_UNKNOWN: {
    exit: 'usage',
    why: 'The cluster knows no group of that name, and the command line does not say for which topics to make it',
    fix: 'Compare with keyfold groups list, or name the topics with --topics',
  },
  GROUP_IN_USE: {
    exit: 'refused',
    why: 'The group has members: moving it would fight with them',
    fix: 'Stop its consumers and wait until keyfold groups describe shows no members, or take another group',
  },
  APP_UNREACHABLE: {
    exit: 'unreachable',
    why: 'Nobody answers at that address, or the application hung up',
    fix: 'Start the application, or name it with --app-url or KEYFOLD_APP_URL',
  },
  APP_REFUSED: {
    exit: 'usage',
    why: 'The application answered with an error of its own, or does not show its projections',
    fix: 'Read its message; an application shows them with KeyfoldOperationsModule.forRoot(), to other machines with a token',
  },
  PROJECTION_UNKNOWN: {
    exit: 'usage',
    why: 'The application has no projector of that name',
    fix: 'Compare with keyfold projections list',
  },
  PARKED_UNKNOWN: {
    exit: 'usage',
    why: 'The event is not parked, or not any more',
    fix: 'Compare with keyfold parked list',
  },
  FILTER_INVALID: {
    exit: 'usage',
    why: 'The expression of --filter cannot be read',
    fix: "Write comparisons such as value.amount > 100 && key == 'a'; keyfold consume --help has the words",
  },
  FILE_UNREADABLE: {
    exit: 'usage',
    why: 'A file that the command line names cannot be read',
    fix: 'Check its path and its permissions',
  },
  FILE_UNWRITABLE: {
    exit: 'usage',
    why: 'A file that the command line names cannot be written',
    fix: 'Check its folder and its permissions',
  },
  SCHEMAS_MISSING: {
    exit: 'usage',
    why: 'No schema is where the command looks for schemas/<context>/<event>/v<n>.avsc',
    fix: 'Write one there, or name the folder with --schemas',
  },
  SCHEMAS_INVALID: {
    exit: 'usage',
    why: 'A file below the folder of the schemas cannot be used, and the command needs them all',
    fix: 'Correct it at the place that is named; keyfold schemas check lists everything',
  },
  EVENT_NOT_FOUND: {
    exit: 'usage',
    why: 'No event and no subject has that name, where the command looked for it',
    fix: 'Compare with keyfold schemas list; add --registry <url> to look in a registry',
  },
  SCHEMAS_DIVERGED: {
    exit: 'refused',
    why: 'The registry holds versions that the folder does not have: pushing would build on something else',
    fix: 'Take them over with keyfold schemas pull, then give your own version the next number',
  },
  LEVEL_LOWERED: {
    exit: 'refused',
    why: 'A lower level lets versions in that cannot read everything that is stored',
    fix: 'Leave --level out, or take a level that holds all that the present one does, such as FULL_TRANSITIVE',
  },
  GIT_UNUSABLE: {
    exit: 'usage',
    why: 'Git is not installed, the folder is in no repository, or the repository has no such commit',
    fix: 'Check the name after git: with git rev-parse; a shallow clone lacks old commits (git fetch)',
  },
  AGGREGATE_UNKNOWN: {
    exit: 'usage',
    why: 'The application has no aggregate of that name',
    fix: 'Take one of the names that the message lists',
  },
  MODULE_UNUSABLE: {
    exit: 'usage',
    why: 'The module cannot be loaded, or does not export what the command needs: the aggregates, or a Nest module',
    fix: 'Give a compiled module: export const aggregates = [Account, …] for replays, the Nest module for --app',
  },
  SCHEMAS_MISPLACED: {
    exit: 'usage',
    why: 'A schema file has a name from which context, event and version cannot be read',
    fix: 'Call it <context>/<event-in-kebab-case>/v<number>.avsc',
  },
} as const satisfies Readonly<Record<string, ErrorRow>>

export type CliErrorCode = keyof typeof errorTable
