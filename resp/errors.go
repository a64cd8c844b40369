package resp

// fault is what ends a connection for what it sent. Its text is Redis's, without "ERR Protocol error: ".
type fault string

// The faults of the protocol.
const (
	noFault             fault = ""
	faultMultibulk      fault = "invalid multibulk length"
	faultBulk           fault = "invalid bulk length"
	faultInline         fault = "too big inline request"
	faultQuotes         fault = "unbalanced quotes in request"
	faultMultibulkLine  fault = "too big mbulk count string"
	faultBulkLine       fault = "too big bulk count string"
	faultStrangerCount  fault = "unauthenticated multibulk length"
	faultStrangerLength fault = "unauthenticated bulk length"
	// faultSmuggled gets no reply.
	faultSmuggled fault = "cross protocol scripting"
)

// faultDollar is the fault of an argument that begins with another byte.
func faultDollar(got byte) fault { return "expected '$', got '" + fault(rune(got)) + "'" }

// Replies that come from the server itself.
const (
	errMaxClients = "ERR max number of clients reached"
	errProtected  = "DENIED Kindred is running in protected mode because protected mode is enabled and no password is set for the " +
		"default user. In this mode connections are only accepted from the loopback interface. If you want to connect from " +
		"external computers you may adopt one of the following solutions: 1) Just disable protected mode sending the command " +
		"'CONFIG SET protected-mode no' from the loopback interface by connecting from the same host the server is running, " +
		"however MAKE SURE it is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change " +
		"permanent. 2) Alternatively you can just disable the protected mode by editing the configuration file, and setting the " +
		"protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, " +
		"restart it with the '--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE: You " +
		"only need to do one of the above things in order for the server to start accepting connections from the outside."
)
