package org.knowcap.experiments.cli;

import picocli.CommandLine.Command;

/** Lists the benchmarks. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures how fast this machine is.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {BenchCorporaCommand.class, BenchCpuCommand.class, BenchGpuCommand.class,
        BenchLawsCommand.class})
final class BenchCommand {}
