import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.util.Set;
import java.util.concurrent.Executors;

/** HTTP around Nimbus JOSE+JWT, with its caching as it comes. */
public class NimbusVerifier {
  public static void main(String[] args) throws Exception {
    var env = System.getenv();
    var keys =
        JWKSourceBuilder.<SecurityContext>create(new URL(env.get("JWKS"))).build();
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier((type, context) -> {});
    processor.setJWSKeySelector(
        new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keys));
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
        env.get("AUDIENCE"),
        new JWTClaimsSet.Builder().issuer(env.get("ISSUER")).build(),
        Set.of("exp")));
    var server = HttpServer.create(
        new InetSocketAddress(InetAddress.getLoopbackAddress(),
                              Integer.parseInt(env.get("PORT"))), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> {
      var header = exchange.getRequestHeaders().getFirst("Authorization");
      int status = 204;
      try {
        processor.process(String.valueOf(header).replaceFirst("^Bearer ", ""), null);
      } catch (Exception error) {
        System.err.println(error);
        status = 401;
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    });
    server.start();
  }
}
