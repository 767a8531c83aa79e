# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_viaduct_global_optspecs
    string join \n socket= h/help V/version
end

function __fish_viaduct_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_viaduct_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_viaduct_using_subcommand
    set -l cmd (__fish_viaduct_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c viaduct -n "__fish_viaduct_needs_command" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_needs_command" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "daemon" -d 'Run the router process until SIGTERM or SIGINT. SIGHUP applies the file again'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "check" -d 'Read and compile a configuration file, and report every fault in it'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "apply" -d 'Make a configuration file the running router\'s, whole or not at all'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "demo" -d 'Show the main job: 30 calls, a video session, clinical transactions and an imaging study over one 10 Mbit/s link, first without QoS, then with it'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "diff" -d 'Tell what applying a configuration file would change; change nothing'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "schema" -d 'Print the JSON Schema of the configuration file: every key, what it means and what it may be'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "show" -d 'Show what the running router does'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "top" -d 'Watch the sites: rates, queues, drops and the wait of calls, each second anew'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "route" -d 'Add, remove and load routes of the running router'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "label" -d 'Add and remove incoming labels of the running router'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "ping" -d 'Send echo requests from the router, and say what comes back'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "lsp" -d 'Test label switched paths: what packets to a prefix, or with given labels, meet'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "explain" -d 'Tell a packet\'s way: each stage\'s decision and why, or the drop and the RFC behind it'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "prove" -d 'Prove what routers do, from their configuration files'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "man" -d 'Write the manual pages, one a command, into a folder'
complete -c viaduct -n "__fish_viaduct_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand daemon" -l config -d 'Configuration file' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand daemon" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand daemon" -l until-stdin-closes -d 'Stop when standard input closes, as it does when the program that started this one ends'
complete -c viaduct -n "__fish_viaduct_using_subcommand daemon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_using_subcommand daemon" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand check" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand check" -l json -d 'Print the faults as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand check" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand check" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand apply" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand apply" -l json -d 'Print what was done, or the faults, as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand apply" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand apply" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -l seconds -d 'How long it may take altogether' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -l seed -d 'Seed of every random choice' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -l json -d 'Print the result as one JSON object'
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -l virtual -d 'Run in virtual time even as root'
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_using_subcommand demo" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -l traffic -d 'Tell the packets of this capture (pcap or pcapng) whose class or marks would change, as they come in or as they leave; meters are taken to let all pass, and neighbours to answer' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -l headers -d 'Tell those of this file of packets in words, one a line, whose class or marks would change' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -l in -d 'The port, or an interface of it, that the capture is taken to come in by; its tags say which interface. Default: every port in turn' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -l json -d 'Print the differences as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand diff" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand schema" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand schema" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand schema" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "ports" -d 'Where frames enter and leave: link, queues, frames, losses of no interface, memif peers and which of them have this router\'s frames (zero copy)'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "interfaces" -d 'Logical interfaces: tags, addresses, state and traffic'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "neighbours" -d 'Neighbours: address, station address, state (RFC 4861 section 7.3.2) and age'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "routes" -d 'Routes of every source: which are used, where they lead, and why'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "qos" -d 'Sites: rates, queues, drops and the wait of calls; or the whole tree of one'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "policers" -d 'Policers and meters of what comes in: rates, and frames by colour'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "rules" -d 'Match rules: what each says, and the frames that it matched'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "drops" -d 'Dropped frames by place and reason, and the balance they belong to'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "workers" -d 'Forwarding loops: core, pool, work and sleep'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "version" -d 'The router process: version, generation, uptime, memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "vrfs" -d 'Routing worlds: distinguisher, targets, labels, interfaces, prefixes and memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "labels" -d 'Incoming labels: who asked for each, and where it leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "lsp" -d 'Ways that labelled routes share: next hop, label stack, interface, users'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and not __fish_seen_subcommand_from ports interfaces neighbours routes qos policers rules drops workers version vrfs labels lsp help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from ports" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from ports" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from ports" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from ports" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from interfaces" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from interfaces" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from interfaces" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from interfaces" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from neighbours" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from neighbours" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from neighbours" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from neighbours" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l vrf -d 'Of this Vrf only' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l source -d 'Of this source only: local, connected, static, runtime, imported or otherwise' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l most -d 'Rows at most; 0 is no bound' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l summary -d 'Count routes by Vrf, and the bytes that each table takes'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from routes" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from qos" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from qos" -l all -d 'Every class of every interface'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from qos" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from qos" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from qos" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from policers" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from policers" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from policers" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from policers" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from rules" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from rules" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from rules" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from rules" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from drops" -l interface -d 'Of frames that came in by this interface only' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from drops" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from drops" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from drops" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from drops" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from workers" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from workers" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from workers" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from workers" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from version" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from version" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from version" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from vrfs" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from vrfs" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from vrfs" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from vrfs" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from labels" -l vrf -d 'Only those given out for this Vrf, or that end in it' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from labels" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from labels" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from labels" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from labels" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from lsp" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from lsp" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from lsp" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from lsp" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "ports" -d 'Where frames enter and leave: link, queues, frames, losses of no interface, memif peers and which of them have this router\'s frames (zero copy)'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "interfaces" -d 'Logical interfaces: tags, addresses, state and traffic'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "neighbours" -d 'Neighbours: address, station address, state (RFC 4861 section 7.3.2) and age'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "routes" -d 'Routes of every source: which are used, where they lead, and why'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "qos" -d 'Sites: rates, queues, drops and the wait of calls; or the whole tree of one'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "policers" -d 'Policers and meters of what comes in: rates, and frames by colour'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "rules" -d 'Match rules: what each says, and the frames that it matched'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "drops" -d 'Dropped frames by place and reason, and the balance they belong to'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "workers" -d 'Forwarding loops: core, pool, work and sleep'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "version" -d 'The router process: version, generation, uptime, memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "vrfs" -d 'Routing worlds: distinguisher, targets, labels, interfaces, prefixes and memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "labels" -d 'Incoming labels: who asked for each, and where it leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "lsp" -d 'Ways that labelled routes share: next hop, label stack, interface, users'
complete -c viaduct -n "__fish_viaduct_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand top" -l sort -d 'Sort by this first' -r -f -a "name\t'Their names'
rate\t'What they delivered in the last second'
drops\t'What they dropped in the last ten seconds, then ever'
delay\t'The longest wait of calls in the last ten seconds'
depth\t'The bytes in their queues'"
complete -c viaduct -n "__fish_viaduct_using_subcommand top" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand top" -l once -d 'Print one frame as text, and end; so it is too where the output is no terminal'
complete -c viaduct -n "__fish_viaduct_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_using_subcommand top" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -f -a "add" -d 'Set the run-time route to a prefix'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -f -a "del" -d 'Take the run-time route to a prefix out'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -f -a "load" -d 'Make the changes that a file lists'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and not __fish_seen_subcommand_from add del load help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -l distance -d 'Administrative distance, 1 to 255; 5 unless given. Of the routes to a prefix the lowest is used' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -l vrf -d 'The Vrf' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -l json -d 'Print what was done as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from del" -l vrf -d 'The Vrf' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from del" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from del" -l json -d 'Print what was done as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from del" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from load" -l vrf -d 'The Vrf' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from load" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from load" -l json -d 'Print what was done as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from load" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set the run-time route to a prefix'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from help" -f -a "del" -d 'Take the run-time route to a prefix out'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from help" -f -a "load" -d 'Make the changes that a file lists'
complete -c viaduct -n "__fish_viaduct_using_subcommand route; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -f -a "add" -d 'Set where a label leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -f -a "del" -d 'Take a run-time label out'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and not __fish_seen_subcommand_from add del help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from add" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from add" -l json -d 'Print what was done as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from del" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from del" -l json -d 'Print what was done as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from del" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set where a label leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "del" -d 'Take a run-time label out'
complete -c viaduct -n "__fish_viaduct_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -s c -l count -d 'Requests, 1 to 100,000' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -s i -l interval -d 'Seconds from one request to the next, 0 to 3,600' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l timeout -d 'Milliseconds to wait for an answer, 1 to 10,000' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l vrf -d 'The Vrf' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l source -d 'The router\'s address to ask from' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l size -d 'Bytes of data, 0 to 8,900' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l ttl -d 'TTL or hop limit, 1 to 255' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l dscp -d 'DSCP: a name such as ef, or 0 to 63' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l df -d 'Set don\'t-fragment'
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -l json -d 'Print one JSON object'
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand ping" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -f -a "ping" -d 'Send requests to the end of a path, and say who answers'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -f -a "trace" -d 'Follow a path router by router'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and not __fish_seen_subcommand_from ping trace help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l vrf -d 'The Vrf of prefix or neighbour' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l rd -d 'The route distinguisher that the far end knows the prefix by; the Vrf\'s own unless given' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l source -d 'The router\'s address to ask from, of the Vrf that replies come by' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l size -d 'Bytes of the IP datagram, 0 to 9,000; 0 is as short as it can be' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l tc -d 'Traffic class of the labels, 0 to 7; that of the DSCP\'s class unless given' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l dscp -d 'DSCP: a name such as ef, or 0 to 63' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l timeout -d 'Milliseconds to wait for a reply, 1 to 10,000' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -s c -l count -d 'Requests, 1 to 100,000' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -s i -l interval -d 'Seconds from one request to the next, 0 to 3,600' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l ttl -d 'TTL of the labels, 1 to 255' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l alert -d 'Have routers on the way back look at the reply (router alert)'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -l json -d 'Print one JSON object'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from ping" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l vrf -d 'The Vrf of prefix or neighbour' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l rd -d 'The route distinguisher that the far end knows the prefix by; the Vrf\'s own unless given' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l source -d 'The router\'s address to ask from, of the Vrf that replies come by' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l size -d 'Bytes of the IP datagram, 0 to 9,000; 0 is as short as it can be' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l tc -d 'Traffic class of the labels, 0 to 7; that of the DSCP\'s class unless given' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l dscp -d 'DSCP: a name such as ef, or 0 to 63' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l timeout -d 'Milliseconds to wait for a reply, 1 to 10,000' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l hops -d 'Most routers, 1 to 64' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l alert -d 'Have routers on the way back look at the reply (router alert)'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -l json -d 'Print one JSON object'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from trace" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from help" -f -a "ping" -d 'Send requests to the end of a path, and say who answers'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from help" -f -a "trace" -d 'Follow a path router by router'
complete -c viaduct -n "__fish_viaduct_using_subcommand lsp; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -l pcap -d 'Take packets from a capture file (pcap or pcapng) of Ethernet frames' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -l packet -d 'Of the capture, only this packet; the first is 1' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -l config -d 'Explain by this configuration file, without a router' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -l json -d 'Print JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand explain" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -f -a "isolation" -d 'Prove that communities are closed, and that their members reach each other'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -f -a "capacity" -d 'Work out the longest wait and the calls that fit, for every site and class'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and not __fish_seen_subcommand_from isolation capacity help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from isolation" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from isolation" -l json -d 'Print figures and findings as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from isolation" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from isolation" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from capacity" -l interface -d 'Of this interface only' -r
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from capacity" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from capacity" -l json -d 'Print it as JSON'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from capacity" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from capacity" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from help" -f -a "isolation" -d 'Prove that communities are closed, and that their members reach each other'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from help" -f -a "capacity" -d 'Work out the longest wait and the calls that fit, for every site and class'
complete -c viaduct -n "__fish_viaduct_using_subcommand prove; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand completions" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand completions" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand completions" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand man" -l socket -d 'Control socket of the router process' -r -F
complete -c viaduct -n "__fish_viaduct_using_subcommand man" -s h -l help -d 'Print help'
complete -c viaduct -n "__fish_viaduct_using_subcommand man" -s V -l version -d 'Print version'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "daemon" -d 'Run the router process until SIGTERM or SIGINT. SIGHUP applies the file again'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "check" -d 'Read and compile a configuration file, and report every fault in it'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "apply" -d 'Make a configuration file the running router\'s, whole or not at all'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "demo" -d 'Show the main job: 30 calls, a video session, clinical transactions and an imaging study over one 10 Mbit/s link, first without QoS, then with it'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "diff" -d 'Tell what applying a configuration file would change; change nothing'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "schema" -d 'Print the JSON Schema of the configuration file: every key, what it means and what it may be'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "show" -d 'Show what the running router does'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "top" -d 'Watch the sites: rates, queues, drops and the wait of calls, each second anew'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "route" -d 'Add, remove and load routes of the running router'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "label" -d 'Add and remove incoming labels of the running router'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "ping" -d 'Send echo requests from the router, and say what comes back'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "lsp" -d 'Test label switched paths: what packets to a prefix, or with given labels, meet'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "explain" -d 'Tell a packet\'s way: each stage\'s decision and why, or the drop and the RFC behind it'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "prove" -d 'Prove what routers do, from their configuration files'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "completions" -d 'Print a shell\'s completions'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "man" -d 'Write the manual pages, one a command, into a folder'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and not __fish_seen_subcommand_from daemon check apply demo diff schema show top route label ping lsp explain prove completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "ports" -d 'Where frames enter and leave: link, queues, frames, losses of no interface, memif peers and which of them have this router\'s frames (zero copy)'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "interfaces" -d 'Logical interfaces: tags, addresses, state and traffic'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "neighbours" -d 'Neighbours: address, station address, state (RFC 4861 section 7.3.2) and age'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "routes" -d 'Routes of every source: which are used, where they lead, and why'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "qos" -d 'Sites: rates, queues, drops and the wait of calls; or the whole tree of one'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "policers" -d 'Policers and meters of what comes in: rates, and frames by colour'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "rules" -d 'Match rules: what each says, and the frames that it matched'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "drops" -d 'Dropped frames by place and reason, and the balance they belong to'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "workers" -d 'Forwarding loops: core, pool, work and sleep'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "version" -d 'The router process: version, generation, uptime, memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "vrfs" -d 'Routing worlds: distinguisher, targets, labels, interfaces, prefixes and memory'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "labels" -d 'Incoming labels: who asked for each, and where it leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "lsp" -d 'Ways that labelled routes share: next hop, label stack, interface, users'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from route" -f -a "add" -d 'Set the run-time route to a prefix'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from route" -f -a "del" -d 'Take the run-time route to a prefix out'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from route" -f -a "load" -d 'Make the changes that a file lists'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from label" -f -a "add" -d 'Set where a label leads'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from label" -f -a "del" -d 'Take a run-time label out'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from lsp" -f -a "ping" -d 'Send requests to the end of a path, and say who answers'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from lsp" -f -a "trace" -d 'Follow a path router by router'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from prove" -f -a "isolation" -d 'Prove that communities are closed, and that their members reach each other'
complete -c viaduct -n "__fish_viaduct_using_subcommand help; and __fish_seen_subcommand_from prove" -f -a "capacity" -d 'Work out the longest wait and the calls that fit, for every site and class'
